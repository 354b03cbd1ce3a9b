/* What the generated calls pick from; see fuzz.rs. */
#include "check.h"

static char **arguments; /* ROUNDS MODULE URI PIN CA-COMMAND */

static unsigned pick(unsigned below)
{
    /* The same sequence in every run, so that a failure can be repeated. */
    static unsigned long long state = 88172645463325252ull;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state % below);
}

#define INPUTS 12
static char long_text[70000];
static const uint16_t wide_text[] = { 'p', 'k', 'c', 's', '1', '1', ':', 0 };
static const uint16_t lone[] = { 0xd800, 0xdc00, 0xd800, 0 };
static const char *const char_data[INPUTS] = {
    NULL, NULL, NULL, "", "abc", "abc", "pkcs11:token=BANK", "\xff\xfe\xfd", "a\0b", long_text,
    "https://www.bank.example", "123456",
};
static const uint16_t *const wide_data[INPUTS] = {
    NULL, NULL, NULL, lone + 3, wide_text, wide_text, wide_text, lone, lone, wide_text, wide_text, wide_text,
};
static const uint8_t *const byte_data[INPUTS] = {
    NULL, NULL, NULL, (const uint8_t *)"", (const uint8_t *)"abc", (const uint8_t *)"abc",
    (const uint8_t *)"MIIBAAAA", (const uint8_t *)"\x30\x80\x30", (const uint8_t *)"\x30\x84\xff\xff\xff\xff",
    (const uint8_t *)long_text, (const uint8_t *)"-----BEGIN CERTIFICATE-----", (const uint8_t *)"01",
};
static const size_t lengths[INPUTS] = {
    0, 5, NUL, 0, 3, SIZE_MAX / 2, 7, 3, 3, SIZE_MAX - 1, 6, 2,
};

#define NUMBERS 9
static const long long numbers[NUMBERS] = { 0, 1, 2, 3, 7, -1, INT32_MAX, INT64_MAX, INT64_MIN };

/* A struct of the caller: with no size, one too small, the right one, and one with fields that we do not know. */
static void *structs(size_t size)
{
    static _Alignas(16) unsigned char memory[8192];
    uint32_t sizes[] = { 0, 3, 4, (uint32_t)size, (uint32_t)size, 4096, 4097, UINT32_MAX };
    if (pick(6) == 0)
        return NULL;
    uint32_t given = sizes[pick(8)];
    memset(memory, 0, sizeof memory);
    memcpy(memory, &given, sizeof given);
    if (given == 4096 && pick(2))
        memory[4000] = 1;
    return memory;
}

static int32_t yes(void *user, const char *origin, uint32_t operation)
{
    (void)user, (void)origin, (void)operation;
    return 1;
}

static void touch(const void *pointer)
{
    volatile char first = pointer ? *(const char *)pointer : 0;
    (void)first;
}

static int succeeded, refused;

static void count(int32_t status)
{
    if (status == 0)
        succeeded++;
    else
        refused++;
}

#define LIVING 14
static struct { const char *type; void *handle; } living[LIVING];
#define STRAYS (LIVING + 4)
static const void *stray[STRAYS];
static int target;

static void remember(int at, const char *type, void *handle)
{
    living[at].type = type;
    living[at].handle = handle;
    stray[at] = handle;
}

/* One of each type that can be had without changing the token. */
static void setup(void)
{
    usbtoken_context *context = NULL, *freed = NULL;
    usbtoken_token *token = NULL;
    usbtoken_tokens *tokens = NULL;
    usbtoken_session *session = NULL;
    usbtoken_credentials *credentials = NULL;
    usbtoken_credential *credential = NULL;
    usbtoken_pending_list *pending = NULL;
    usbtoken_preflight *preflight = NULL;
    usbtoken_error *error = NULL;
    usbtoken_buffer *buffer = NULL;
    usbtoken_enroll *enroll = NULL;
    usbtoken_drivers *drivers = NULL;
    usbtoken_diagnosis *diagnosis = NULL;
    usbtoken_devices *devices = NULL;
    memset(long_text, 'A', sizeof long_text - 1);
    CHECK(usbtoken_context_new(NULL, &context) == USBTOKEN_OK);
    OK(context, usbtoken_context_clone(context, &freed));
    OK(context, usbtoken_context_add_driver(context, arguments[1], NUL));
    OK(context, usbtoken_context_allow_origin(context, "https://www.bank.example", NUL));
    OK(context, usbtoken_find(context, arguments[2], NUL, &token));
    OK(context, usbtoken_list_tokens(context, &tokens));
    OK(token, usbtoken_login(token, arguments[3], NUL, 0, &session));
    OK(token, usbtoken_token_credentials(token, &credentials));
    OK(credentials, usbtoken_credentials_at(credentials, 0, &credential));
    OK(session, usbtoken_session_pending(session, &pending));
    OK(token, usbtoken_renewal_preflight(token, credential, NULL, &preflight));
    OK(credential, usbtoken_credential_certificate(credential, &buffer));
    CHECK(usbtoken_find(context, "nonsense", NUL, &token) == USBTOKEN_BAD_URI);
    OK(context, usbtoken_last_error(context, &error));
    EXPECT(USBTOKEN_HR_OK, context, usbtoken_enroll_new(context, "https://www.bank.example", NUL, &enroll));
    OK(context, usbtoken_list_drivers(context, &drivers));
    OK(context, usbtoken_diagnose(context, 0, &diagnosis));
    OK(diagnosis, usbtoken_diagnosis_devices(diagnosis, &devices));
    remember(0, "usbtoken_context", context);
    remember(1, "usbtoken_token", token);
    remember(2, "usbtoken_tokens", tokens);
    remember(3, "usbtoken_session", session);
    remember(4, "usbtoken_credentials", credentials);
    remember(5, "usbtoken_credential", credential);
    remember(6, "usbtoken_pending_list", pending);
    remember(7, "usbtoken_preflight", preflight);
    remember(8, "usbtoken_error", error);
    remember(9, "usbtoken_buffer", buffer);
    remember(10, "usbtoken_enroll", enroll);
    remember(11, "usbtoken_drivers", drivers);
    remember(12, "usbtoken_diagnosis", diagnosis);
    remember(13, "usbtoken_devices", devices);
    stray[LIVING] = NULL;
    stray[LIVING + 1] = &target;
    stray[LIVING + 2] = (const void *)(uintptr_t)0x1;
    stray[LIVING + 3] = freed;
    usbtoken_context_free(&freed);
}

static void teardown(void)
{
    /* Those that a fuzzed call freed are not living any more, and freeing them again is answered by nothing. */
    usbtoken_context_free((usbtoken_context **)&living[0].handle);
    usbtoken_token_free((usbtoken_token **)&living[1].handle);
    usbtoken_tokens_free((usbtoken_tokens **)&living[2].handle);
    usbtoken_session_free((usbtoken_session **)&living[3].handle);
    usbtoken_credentials_free((usbtoken_credentials **)&living[4].handle);
    usbtoken_credential_free((usbtoken_credential **)&living[5].handle);
    usbtoken_pending_list_free((usbtoken_pending_list **)&living[6].handle);
    usbtoken_preflight_free((usbtoken_preflight **)&living[7].handle);
    usbtoken_error_free((usbtoken_error **)&living[8].handle);
    usbtoken_buffer_free((usbtoken_buffer **)&living[9].handle);
    usbtoken_enroll_free((usbtoken_enroll **)&living[10].handle);
    usbtoken_drivers_free((usbtoken_drivers **)&living[11].handle);
    usbtoken_diagnosis_free((usbtoken_diagnosis **)&living[12].handle);
    usbtoken_devices_free((usbtoken_devices **)&living[13].handle);
}

/* Half of the time a living handle of the right type, where there is one; else anything. */
static void *handle(const char *type)
{
    if (pick(2))
        for (int at = 0; at < LIVING; at++)
            if (strcmp(living[at].type, type) == 0)
                return living[at].handle;
    return (void *)(uintptr_t)stray[pick(STRAYS)];
}
