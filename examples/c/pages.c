/*
 * Plays the three pages of a bank's renewal: what a COM control or a browser host does when a page calls it.
 *
 *   pages MODULE URI PIN CA-COMMAND      all three
 *   pages MODULE URI PIN FILE BSM5003    that page alone: its request goes into FILE
 *   pages MODULE URI PIN FILE BSM5004    that page alone: the CA's response is in FILE
 *
 * BSM5002 asks whether a token is there and can be renewed. BSM5003 creates the request and posts it. BSM5004, which
 * may come days later and in another process, installs the response. Nothing is kept between them but the pending
 * key on the token; here each page is a context of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usbtoken.h"

#define ORIGIN "https://www.bank.example"
#define PROVIDER "Bank USB Token Provider"

struct host {
    const char *module, *uri, *pin;
    int asked;
};

/* 「Webアクセスの確認」: a real host shows a dialog. */
static int32_t consent(void *user, const char *origin, uint32_t operation)
{
    static const char *const what[] = { "", "create a certificate request", "install a certificate", "give up" };
    struct host *host = user;
    host->asked++;
    printf("[Web access confirmation] %s wants to %s. -> yes\n", origin, what[operation]);
    return 1;
}

/* The page never sees the PIN; a real host shows a dialog that says "last try" when it is. */
static usbtoken_status ask_pin(void *user, const usbtoken_pin_request *request, usbtoken_pin_reply *reply)
{
    struct host *host = user;
    printf("[PIN] token %s, for %s%s\n", request->token_label, request->origin,
           request->pin_state == USBTOKEN_PIN_STATE_FINAL_TRY ? " (last try!)" : "");
    reply->length = strlen(host->pin);
    memcpy(reply->pin, host->pin, reply->length);
    return USBTOKEN_OK;
}

/* A key waits for the same certificate, because the page was loaded anew; a real host lets the person choose. */
static int64_t go_on(void *user, const char *origin, const usbtoken_pending_list *waiting)
{
    usbtoken_pending *key = NULL;
    (void)user;
    if (usbtoken_pending_list_at(waiting, 0, &key) != USBTOKEN_OK)
        return USBTOKEN_WAITING_CANCEL;
    printf("[%s] a request for %s waits since %s. -> go on with it\n", origin,
           usbtoken_pending_text(key, USBTOKEN_PENDING_FOR_WHOM), usbtoken_pending_text(key, USBTOKEN_PENDING_SINCE));
    usbtoken_pending_free(&key);
    return 0;
}

static void stop(const char *page, usbtoken_hresult result, const void *handle)
{
    usbtoken_error *error = NULL;
    fprintf(stderr, "%s: 0x%08x %s\n", page, (unsigned)result,
            usbtoken_text(USBTOKEN_TEXT_HRESULT, result, USBTOKEN_TEXT_SENTENCE, USBTOKEN_LANGUAGE_EN));
    if (usbtoken_last_error(handle, &error) == USBTOKEN_OK && error != NULL)
        fprintf(stderr, "%s\n", usbtoken_error_text(error, USBTOKEN_ERROR_REPORT, USBTOKEN_LANGUAGE_EN));
    exit(1);
}

/* What the control does when a page makes it. */
static usbtoken_enroll *open_page(struct host *host, const char *address)
{
    usbtoken_context *context = NULL;
    usbtoken_enroll *page = NULL;
    usbtoken_callbacks callbacks = { .struct_size = sizeof callbacks, .user = host, .pin = ask_pin };
    if (usbtoken_context_new(NULL, &context) != USBTOKEN_OK ||
        usbtoken_context_add_driver(context, host->module, USBTOKEN_NUL_TERMINATED) != USBTOKEN_OK ||
        usbtoken_context_set_callbacks(context, &callbacks) != USBTOKEN_OK ||
        usbtoken_context_allow_origin(context, ORIGIN, USBTOKEN_NUL_TERMINATED) != USBTOKEN_OK ||
        usbtoken_context_add_provider(context, PROVIDER, USBTOKEN_NUL_TERMINATED, host->uri,
                                      USBTOKEN_NUL_TERMINATED) != USBTOKEN_OK)
        stop("setup", USBTOKEN_HR_UNEXPECTED, context);
    usbtoken_hresult result = usbtoken_enroll_new(context, address, USBTOKEN_NUL_TERMINATED, &page);
    if (result != USBTOKEN_HR_OK)
        stop(address, result, context);
    usbtoken_context_free(&context);
    if ((result = usbtoken_enroll_set_consent(page, consent, host)) != USBTOKEN_HR_OK ||
        (result = usbtoken_enroll_set_waiting(page, go_on, host)) != USBTOKEN_HR_OK ||
        (result = usbtoken_enroll_set_text(page, USBTOKEN_ENROLL_PROVIDER_NAME, PROVIDER,
                                           USBTOKEN_NUL_TERMINATED)) != USBTOKEN_HR_OK)
        stop(address, result, page);
    return page;
}

/* 証明書更新選択: without PIN, without consent, without names. */
static void bsm5002(struct host *host)
{
    usbtoken_enroll *page = open_page(host, ORIGIN "/BSM5002");
    uint32_t there = 0;
    usbtoken_hresult result = usbtoken_enroll_probe(page, &there);
    if (result != USBTOKEN_HR_OK)
        stop("BSM5002", result, page);
    if (host->asked != 0 || (there & USBTOKEN_PROBE_RENEWABLE) == 0) {
        fprintf(stderr, "BSM5002: no certificate can be renewed\n");
        exit(1);
    }
    printf("BSM5002: USBトークンへの更新が可能です\n");
    usbtoken_enroll_free(&page);
}

/* InitializeFromCertificate, CreateRequest; the page posts what comes back. */
static usbtoken_buffer *bsm5003(struct host *host)
{
    usbtoken_enroll *page = open_page(host, ORIGIN "/BSM5003?next=BSM5004");
    usbtoken_buffer *request = NULL;
    usbtoken_hresult result;
    if ((result = usbtoken_enroll_set_number(page, USBTOKEN_ENROLL_KEY_SPEC, 2)) != USBTOKEN_HR_OK ||
        (result = usbtoken_enroll_set_number(page, USBTOKEN_ENROLL_EXPORT_POLICY, 0)) != USBTOKEN_HR_OK ||
        (result = usbtoken_enroll_initialize_from_certificate(page, USBTOKEN_ENROLL_CONTEXT_USER, NULL, 0,
                                                              USBTOKEN_ENCODING_BASE64,
                                                              USBTOKEN_INHERIT_NEW_SIMILAR_KEY)) != USBTOKEN_HR_OK ||
        (result = usbtoken_enroll_create_request(page, USBTOKEN_ENCODING_BASE64, &request)) != USBTOKEN_HR_OK)
        stop("BSM5003", result, page);
    printf("BSM5003: a request of %zu characters is posted\n", usbtoken_buffer_size(request));
    usbtoken_enroll_free(&page);
    return request;
}

/* Initialize, InstallResponse, in a page that knows nothing of the one before. */
static void bsm5004(struct host *host, const char *response, size_t size)
{
    usbtoken_enroll *page = open_page(host, ORIGIN "/BSM5004");
    usbtoken_installed *installed = NULL;
    usbtoken_credential *credential = NULL;
    usbtoken_hresult result;
    if ((result = usbtoken_enroll_initialize(page, USBTOKEN_ENROLL_CONTEXT_USER)) != USBTOKEN_HR_OK ||
        (result = usbtoken_enroll_install_response(page, USBTOKEN_ALLOW_UNTRUSTED_ROOT, (const uint8_t *)response,
                                                   size, USBTOKEN_ENCODING_ANY, NULL, 0)) != USBTOKEN_HR_OK ||
        (result = usbtoken_enroll_installed(page, &installed)) != USBTOKEN_HR_OK)
        stop("BSM5004", result, page);
    if (usbtoken_installed_credential(installed, &credential) != USBTOKEN_OK)
        stop("BSM5004", USBTOKEN_HR_UNEXPECTED, installed);
    printf("BSM5004: installed\n%s\n", usbtoken_credential_text(credential, USBTOKEN_CREDENTIAL_SUMMARY));
    usbtoken_credential_free(&credential);
    usbtoken_installed_free(&installed);
    usbtoken_enroll_free(&page);
}

/* The page puts the header around the request, as pages do. */
static void save(const char *file, const usbtoken_buffer *request)
{
    FILE *stream = fopen(file, "w");
    if (stream == NULL ||
        fprintf(stream, "-----BEGIN CERTIFICATE REQUEST-----\n%s-----END CERTIFICATE REQUEST-----\n",
                usbtoken_buffer_text(request)) < 0 ||
        fclose(stream) != 0) {
        fprintf(stderr, "%s cannot be written\n", file);
        exit(1);
    }
}

static char response[1 << 18];

/* The bank's server asks its CA. */
static size_t post(const char *command, const usbtoken_buffer *request)
{
    char line[4096], file[] = "usbtoken-request.pem";
    save(file, request);
    if ((size_t)snprintf(line, sizeof line, "%s < %s", command, file) >= sizeof line)
        exit(1);
    FILE *pipe = popen(line, "r");
    if (pipe == NULL)
        exit(1);
    size_t size = fread(response, 1, sizeof response, pipe);
    if (pclose(pipe) != 0)
        exit(1);
    remove(file);
    return size;
}

static size_t load(const char *file)
{
    FILE *stream = fopen(file, "rb");
    if (stream == NULL) {
        fprintf(stderr, "%s cannot be read\n", file);
        exit(1);
    }
    size_t size = fread(response, 1, sizeof response, stream);
    fclose(stream);
    return size;
}

int main(int count, char **arguments)
{
    if (count != 5 && count != 6) {
        fprintf(stderr, "usage: pages MODULE URI PIN CA-COMMAND | pages MODULE URI PIN FILE PAGE\n");
        return 2;
    }
    struct host host = { arguments[1], arguments[2], arguments[3], 0 };
    const char *only = count == 6 ? arguments[5] : NULL;
    usbtoken_buffer *request = NULL;
    if (only == NULL) {
        bsm5002(&host);
        request = bsm5003(&host);
        bsm5004(&host, response, post(arguments[4], request));
    } else if (strcmp(only, "BSM5003") == 0) {
        request = bsm5003(&host);
        save(arguments[4], request);
    } else if (strcmp(only, "BSM5004") == 0) {
        bsm5004(&host, response, load(arguments[4]));
    } else {
        fprintf(stderr, "no such page: %s\n", only);
        return 2;
    }
    usbtoken_buffer_free(&request);
    /* One prompt on each of the pages that change the token. */
    return host.asked == (only == NULL ? 2 : 1) ? 0 : 1;
}
