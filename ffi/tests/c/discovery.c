/*
 * Drivers, devices, what is wrong, waiting: discovery TEST MODULE URI PIN COMMAND, where TEST is one of
 *   drivers   which drivers are asked, and what came of it
 *   file      MODULE stands in a list of drivers, COMMAND is the list's path
 *   slow      MODULE takes longer than it may
 *   device    a token is plugged in of which MODULE is the driver
 *   wait      COMMAND makes the token that is waited for
 */
#include <pthread.h>
#include <time.h>

#include "check.h"

static usbtoken_context *new_context(const usbtoken_options *options)
{
    usbtoken_context *context = NULL;
    CHECK(usbtoken_context_new(options, &context) == USBTOKEN_OK);
    return context;
}

static void drivers(const char *module)
{
    usbtoken_context *context = new_context(NULL);
    usbtoken_drivers *list = NULL;
    usbtoken_error *why = NULL;
    OK(context, usbtoken_context_add_driver(context, module, NUL));
    OK(context, usbtoken_context_add_driver(context, "/no/such/driver.so", NUL));
    OK(context, usbtoken_list_drivers(context, &list));
    CHECK(usbtoken_drivers_count(list) == 2);

    CHECK(strcmp(usbtoken_drivers_text(list, 0, USBTOKEN_DRIVER_PATH), module) == 0);
    CHECK(strcmp(usbtoken_drivers_text(list, 0, USBTOKEN_DRIVER_ORIGIN), "explicit") == 0);
    CHECK(usbtoken_drivers_text(list, 0, USBTOKEN_DRIVER_NAMED_IN) == NULL);
    CHECK(strstr(usbtoken_drivers_text(list, 0, USBTOKEN_DRIVER_MANUFACTURER), "SoftHSM") != NULL);
    CHECK(usbtoken_drivers_text(list, 0, USBTOKEN_DRIVER_DESCRIPTION) != NULL);
    CHECK(strncmp(usbtoken_drivers_text(list, 0, USBTOKEN_DRIVER_VERSION), "2.", 2) == 0);
    CHECK(strncmp(usbtoken_drivers_text(list, 0, USBTOKEN_DRIVER_PKCS11_VERSION), "2.", 2) == 0);
    CHECK(usbtoken_drivers_text_utf16(list, 0, USBTOKEN_DRIVER_PATH)[0] == '/');
    CHECK(usbtoken_drivers_number(list, 0, USBTOKEN_DRIVER_TOKENS) == 2); /* the token, and SoftHSM's blank one */
    CHECK(usbtoken_drivers_number(list, 0, USBTOKEN_DRIVER_MILLISECONDS) >= 0);
    CHECK(usbtoken_drivers_number(list, 0, 99) == USBTOKEN_UNKNOWN);
    OK(list, usbtoken_drivers_error(list, 0, &why));
    CHECK(why == NULL);

    CHECK(usbtoken_drivers_number(list, 1, USBTOKEN_DRIVER_TOKENS) == USBTOKEN_UNKNOWN);
    CHECK(usbtoken_drivers_text(list, 1, USBTOKEN_DRIVER_MANUFACTURER) == NULL);
    OK(list, usbtoken_drivers_error(list, 1, &why));
    CHECK(usbtoken_error_number(why, USBTOKEN_ERROR_CODE) == USBTOKEN_DRIVER_MISSING);
    usbtoken_error_free(&why);

    CHECK(usbtoken_drivers_text(list, 2, USBTOKEN_DRIVER_PATH) == NULL);
    OK(list, usbtoken_drivers_error(list, 2, &why));
    CHECK(why == NULL);
    usbtoken_drivers_free(&list);
    CHECK(list == NULL);
    usbtoken_context_free(&context);
}

static void file(const char *module, const char *uri, const char *path)
{
    usbtoken_options options = { .struct_size = sizeof options, .flags = USBTOKEN_OPTION_WITHOUT_P11_KIT };
    usbtoken_context *context = new_context(&options);
    usbtoken_drivers *list = NULL;
    usbtoken_token *token = NULL;
    OK(context, usbtoken_context_use_drivers_file(context, path, NUL));
    OK(context, usbtoken_list_drivers(context, &list));
    CHECK(strcmp(usbtoken_drivers_text(list, 0, USBTOKEN_DRIVER_PATH), module) == 0);
    CHECK(strcmp(usbtoken_drivers_text(list, 0, USBTOKEN_DRIVER_ORIGIN), "user") == 0);
    CHECK(strcmp(usbtoken_drivers_text(list, 0, USBTOKEN_DRIVER_NAMED_IN), "the bank's") == 0);
    for (size_t at = 0; at < usbtoken_drivers_count(list); at++)
        CHECK(strcmp(usbtoken_drivers_text(list, at, USBTOKEN_DRIVER_ORIGIN), "p11_kit") != 0);
    usbtoken_drivers_free(&list);
    OK(context, usbtoken_find(context, uri, NUL, &token));
    /* The token tells the driver's real path. */
    CHECK(strstr(usbtoken_token_text(token, USBTOKEN_TOKEN_DRIVER_PATH), strrchr(module, '/')) != NULL);
    usbtoken_token_free(&token);

    /* Another list, without an entry for it; in UTF-16, with a character that is not ASCII. */
    uint16_t none[] = { '/', 0x8a3c, 0 };
    OK(context, usbtoken_context_use_drivers_file_utf16(context, none, NUL));
    OK(context, usbtoken_list_drivers(context, &list));
    for (size_t at = 0; at < usbtoken_drivers_count(list); at++)
        CHECK(strcmp(usbtoken_drivers_text(list, at, USBTOKEN_DRIVER_ORIGIN), "user") != 0);
    usbtoken_drivers_free(&list);
    none[1] = 0xd800;
    EXPECT(USBTOKEN_BAD_ARGUMENT, context, usbtoken_context_use_drivers_file_utf16(context, none, NUL));
    OK(context, usbtoken_context_use_drivers_file(context, "", 0));
    usbtoken_context_free(&context);
}

static double now(void)
{
    struct timespec time;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void slow(const char *module, const char *uri)
{
    usbtoken_options options = { .struct_size = sizeof options, .driver_milliseconds = 200 };
    usbtoken_context *context = new_context(&options);
    usbtoken_token *token = NULL;
    double begin = now();
    OK(context, usbtoken_context_add_driver(context, module, NUL));
    EXPECT(USBTOKEN_DRIVER_TIMEOUT, context, usbtoken_find(context, uri, NUL, &token));
    CHECK(now() - begin < 4.0); /* the driver takes five seconds */
    usbtoken_error *why = NULL;
    OK(context, usbtoken_last_error(context, &why));
    CHECK(strstr(usbtoken_error_text(why, USBTOKEN_ERROR_REPORT, USBTOKEN_LANGUAGE_EN), "0.2 s") != NULL);
    usbtoken_error_free(&why);
    usbtoken_context_free(&context);
    printf("gave up\n");
    fflush(stdout);
    /* The driver comes back before this process ends. */
    struct timespec rest = { .tv_sec = 6 };
    nanosleep(&rest, NULL);
}

static uint32_t only_device(usbtoken_devices *list)
{
    CHECK(usbtoken_devices_count(list) == 1);
    CHECK(strcmp(usbtoken_devices_text(list, 0, USBTOKEN_DEVICE_NAME), "SafeNet Token JC") == 0);
    CHECK(strcmp(usbtoken_devices_text(list, 0, USBTOKEN_DEVICE_USB_ID), "0529:0620") == 0);
    CHECK(strcmp(usbtoken_devices_text(list, 0, USBTOKEN_DEVICE_MANUFACTURER), "SafeNet") == 0);
    CHECK(strcmp(usbtoken_devices_text(list, 0, USBTOKEN_DEVICE_PRODUCT), "Token JC") == 0);
    CHECK(usbtoken_devices_text(list, 0, USBTOKEN_DEVICE_SERIAL) == NULL);
    CHECK(usbtoken_devices_text(list, 0, USBTOKEN_DEVICE_FAMILIES)[0] != 0);
    CHECK(usbtoken_devices_text_utf16(list, 0, USBTOKEN_DEVICE_USB_ID)[4] == ':');
    return usbtoken_devices_state(list, 0);
}

static void examine(usbtoken_context *context, uint32_t listed, uint32_t examined, int32_t blocker)
{
    usbtoken_devices *devices = NULL;
    usbtoken_diagnosis *diagnosis = NULL;
    OK(context, usbtoken_list_devices(context, &devices));
    CHECK(only_device(devices) == listed);
    usbtoken_devices_free(&devices);
    OK(context, usbtoken_diagnose(context, 0, &diagnosis));
    OK(diagnosis, usbtoken_diagnosis_devices(diagnosis, &devices));
    CHECK(only_device(devices) == examined);
    usbtoken_devices_free(&devices);

    const char *page = usbtoken_diagnosis_text(diagnosis, USBTOKEN_DIAGNOSIS_PAGE, USBTOKEN_LANGUAGE_JA);
    CHECK(strncmp(page, "USBトークン診断", strlen("USBトークン診断")) == 0);
    CHECK(strstr(page, "SafeNet Token JC") != NULL);
    CHECK(usbtoken_diagnosis_text_utf16(diagnosis, USBTOKEN_DIAGNOSIS_PAGE, USBTOKEN_LANGUAGE_JA)[3] == 0x30c8);
    const char *json = usbtoken_diagnosis_text(diagnosis, USBTOKEN_DIAGNOSIS_JSON, USBTOKEN_LANGUAGE_EN);
    CHECK(json[0] == '{' && strstr(json, "\"usb\":\"0529:0620\"") != NULL);
    const char *bundle = usbtoken_diagnosis_text(diagnosis, USBTOKEN_DIAGNOSIS_BUNDLE, USBTOKEN_LANGUAGE_EN);
    CHECK(strstr(bundle, "診断") != NULL && strstr(bundle, "\"diagnosis\"") != NULL);
    CHECK(usbtoken_diagnosis_text(diagnosis, 99, USBTOKEN_LANGUAGE_EN) == NULL);
    CHECK(usbtoken_diagnosis_text(diagnosis, USBTOKEN_DIAGNOSIS_PAGE, 99) == NULL);

    int blockers = 0;
    size_t count = usbtoken_diagnosis_problem_count(diagnosis);
    int64_t before = USBTOKEN_WEIGHT_BLOCKS;
    for (size_t at = 0; at < count; at++) {
        int64_t weight = usbtoken_diagnosis_problem_number(diagnosis, at, USBTOKEN_PROBLEM_WEIGHT);
        int64_t status = usbtoken_diagnosis_problem_number(diagnosis, at, USBTOKEN_PROBLEM_STATUS);
        int64_t notice = usbtoken_diagnosis_problem_number(diagnosis, at, USBTOKEN_PROBLEM_NOTICE);
        CHECK(weight >= before && weight <= USBTOKEN_WEIGHT_REMARKS);
        before = weight;
        CHECK((status == USBTOKEN_UNKNOWN) != (notice == USBTOKEN_UNKNOWN));
        for (uint32_t field = USBTOKEN_PROBLEM_NAME; field <= USBTOKEN_PROBLEM_FACTS; field++) {
            CHECK(usbtoken_diagnosis_problem_text(diagnosis, at, field, USBTOKEN_LANGUAGE_JA) != NULL);
            CHECK(usbtoken_diagnosis_problem_text_utf16(diagnosis, at, field, USBTOKEN_LANGUAGE_EN) != NULL);
        }
        if (weight != USBTOKEN_WEIGHT_BLOCKS)
            continue;
        const char *facts =
            usbtoken_diagnosis_problem_text(diagnosis, at, USBTOKEN_PROBLEM_FACTS, USBTOKEN_LANGUAGE_EN);
        if (status == blocker) {
            CHECK(strstr(facts, "SafeNet Token JC") != NULL && strstr(facts, "libeToken.so") != NULL);
            blockers++;
        }
    }
    CHECK(blockers == (blocker != 0));
    CHECK(usbtoken_diagnosis_problem_number(diagnosis, count, USBTOKEN_PROBLEM_WEIGHT) == USBTOKEN_UNKNOWN);
    CHECK(usbtoken_diagnosis_problem_text(diagnosis, count, USBTOKEN_PROBLEM_NAME, 0) == NULL);
    usbtoken_diagnosis_free(&diagnosis);
    usbtoken_diagnosis *wrong = NULL;
    EXPECT(USBTOKEN_BAD_ARGUMENT, context, usbtoken_diagnose(context, INT64_MAX, &wrong));
    CHECK(diagnosis == NULL && wrong == NULL);
}

static void device(const char *module)
{
    usbtoken_context *context = new_context(NULL);
    OK(context, usbtoken_context_add_driver(context, module, NUL));
    examine(context, USBTOKEN_DEVICE_DRIVER_INSTALLED, USBTOKEN_DEVICE_SEEN, 0);
    usbtoken_context_free(&context);

    usbtoken_options options = { .struct_size = sizeof options, .flags = USBTOKEN_OPTION_WITHOUT_P11_KIT };
    context = new_context(&options);
    OK(context, usbtoken_context_use_drivers_file(context, "", 0));
    examine(context, USBTOKEN_DEVICE_DRIVER_MISSING, USBTOKEN_DEVICE_DRIVER_MISSING, USBTOKEN_DRIVER_MISSING);
    usbtoken_context_free(&context);
}

struct waiting {
    pthread_t caller;
    int asked, stop_at;
    const char *command;
};

static int32_t on_cancel(void *user)
{
    struct waiting *waiting = user;
    CHECK(pthread_equal(waiting->caller, pthread_self()));
    waiting->asked++;
    if (waiting->asked == 3 && waiting->command != NULL)
        CHECK(system(waiting->command) == 0);
    return waiting->stop_at != 0 && waiting->asked >= waiting->stop_at;
}

static void wait_for(const char *module, const char *uri, const char *command)
{
    struct waiting waiting = { .caller = pthread_self(), .stop_at = 2 };
    usbtoken_callbacks callbacks = { .struct_size = sizeof callbacks, .user = &waiting, .cancel = on_cancel };
    usbtoken_context *context = new_context(NULL);
    usbtoken_token *token = NULL;
    OK(context, usbtoken_context_set_callbacks(context, &callbacks));

    /* No driver at all: waiting would not help. */
    usbtoken_context *lost = new_context(NULL);
    OK(lost, usbtoken_context_add_driver(lost, "/no/such/driver.so", NUL));
    EXPECT(USBTOKEN_DRIVER_MISSING, lost, usbtoken_wait(lost, NULL, 0, 60000, &token));
    usbtoken_context_free(&lost);

    double begin = now();
    OK(context, usbtoken_context_add_driver(context, module, NUL));
    EXPECT(USBTOKEN_CANCELLED, context, usbtoken_wait(context, "pkcs11:token=LATER", NUL, 60000, &token));
    CHECK(waiting.asked == 2 && now() - begin < 20.0);
    waiting.stop_at = 0;
    EXPECT(USBTOKEN_WAIT_TIMED_OUT, context, usbtoken_wait(context, "pkcs11:token=LATER", NUL, 150, &token));

    waiting.asked = 0;
    waiting.command = command;
    OK(context, usbtoken_wait(context, "pkcs11:token=LATER", NUL, 60000, &token));
    CHECK(waiting.asked >= 3 && now() - begin < 60.0);
    CHECK(strcmp(usbtoken_token_text(token, USBTOKEN_TOKEN_LABEL), "LATER") == 0);
    usbtoken_token_free(&token);
    uint16_t wide[256] = { 0 };
    for (size_t at = 0; uri[at] != 0; at++)
        wide[at] = (unsigned char)uri[at];
    OK(context, usbtoken_wait_utf16(context, wide, NUL, 60000, &token));
    CHECK(strcmp(usbtoken_token_text(token, USBTOKEN_TOKEN_LABEL), "BANK") == 0);
    usbtoken_token_free(&token);
    usbtoken_context_free(&context);
}

int main(int count, char **arguments)
{
    CHECK(count == 6);
    const char *test = arguments[1], *module = arguments[2], *uri = arguments[3], *command = arguments[5];
    if (strcmp(test, "drivers") == 0)
        drivers(module);
    else if (strcmp(test, "file") == 0)
        file(module, uri, command);
    else if (strcmp(test, "slow") == 0)
        slow(module, uri);
    else if (strcmp(test, "device") == 0)
        device(module);
    else if (strcmp(test, "wait") == 0)
        wait_for(module, uri, command);
    else
        CHECK(!"no such test");
    return 0;
}
