/*
 * No PIN is left in memory when the handles are freed: wipe HOW MODULE URI < PIN, where HOW is one of
 *   utf8, utf16            the program gives the PIN
 *   dialog, dialog_utf16   the PIN callback does
 *   leave                  nobody wipes the program's own copy, so that the search is seen to find one
 * The PIN is kept inverted here, so that the search does not find what it searches for.
 */
#include <unistd.h>

#include "check.h"

static unsigned char inverted[64];
static size_t size;

static void write_pin(char *to)
{
    for (size_t at = 0; at < size; at++)
        to[at] = (char)~inverted[at];
}

static void write_pin_utf16(uint16_t *to)
{
    for (size_t at = 0; at < size; at++)
        to[at] = (unsigned char)~inverted[at];
}

static void wipe(void *memory, size_t bytes)
{
    volatile unsigned char *at = memory;
    while (bytes-- > 0)
        *at++ = 0;
}

static void read_pin(void)
{
    char pin[64];
    ssize_t got = read(0, pin, sizeof pin);
    CHECK(got >= 8);
    size = (size_t)got;
    for (size_t at = 0; at < size; at++)
        inverted[at] = (unsigned char)~(unsigned char)pin[at];
    wipe(pin, sizeof pin);
}

static usbtoken_status on_pin(void *user, const usbtoken_pin_request *request, usbtoken_pin_reply *reply)
{
    (void)request;
    if (*(const int *)user) {
        write_pin_utf16(reply->pin_utf16);
        reply->length_utf16 = size;
    } else {
        write_pin(reply->pin);
        reply->length = size;
    }
    return USBTOKEN_OK;
}

static int is_pin(const unsigned char *bytes, size_t width)
{
    for (size_t at = 0; at < size; at++)
        if (bytes[at * width] != (unsigned char)~inverted[at] || (width == 2 && bytes[at * 2 + 1] != 0))
            return 0;
    return 1;
}

/* How often the PIN stands in what this process can write, in either encoding. */
static int copies(void)
{
    static unsigned char piece[1 << 16];
    char line[512];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r"), *memory = fopen("/proc/self/mem", "rb");
    CHECK(maps != NULL && memory != NULL && setvbuf(memory, NULL, _IONBF, 0) == 0);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from = 0, to = 0;
        char rights[8] = "";
        CHECK(sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3);
        if (rights[0] != 'r' || rights[1] != 'w')
            continue;
        /* Pieces overlap, so that no copy is cut in two. */
        for (unsigned long at = from; at < to; at += sizeof piece / 2) {
            size_t length = to - at < sizeof piece ? to - at : sizeof piece;
            /* What this function has read is no copy. */
            unsigned long own = (unsigned long)(uintptr_t)piece;
            if (at < own + sizeof piece && own < at + length)
                continue;
            if (pread(fileno(memory), piece, length, (off_t)at) != (ssize_t)length)
                continue;
            size_t end = length < sizeof piece ? length : sizeof piece / 2;
            for (size_t byte = 0; byte < end; byte++)
                for (size_t width = 1; width <= 2; width++)
                    if (byte + size * width <= length && is_pin(piece + byte, width)) {
                        fprintf(stderr, "in %s  at %lx\n", line, at + byte);
                        found++;
                    }
        }
    }
    wipe(piece, sizeof piece);
    fclose(memory);
    fclose(maps);
    return found;
}

int main(int count, char **arguments)
{
    CHECK(count == 4);
    const char *how = arguments[1];
    int wide = strcmp(how, "dialog_utf16") == 0;
    char pin[64] = { 0 };
    uint16_t pin_utf16[64] = { 0 };
    usbtoken_callbacks callbacks = { .struct_size = sizeof callbacks, .user = &wide, .pin = on_pin };
    usbtoken_context *context = NULL;
    usbtoken_token *token = NULL;
    usbtoken_session *session = NULL;
    read_pin();
    CHECK(copies() == 0);
    CHECK(usbtoken_context_new(NULL, &context) == USBTOKEN_OK);
    OK(context, usbtoken_context_add_driver(context, arguments[2], NUL));
    OK(context, usbtoken_context_set_callbacks(context, &callbacks));
    OK(context, usbtoken_find(context, arguments[3], NUL, &token));
    if (strncmp(how, "dialog", 6) == 0) {
        OK(token, usbtoken_login(token, NULL, 0, 0, &session));
    } else if (strcmp(how, "utf16") == 0) {
        write_pin_utf16(pin_utf16);
        OK(token, usbtoken_login_utf16(token, pin_utf16, size, 0, &session));
    } else {
        write_pin(pin);
        OK(token, usbtoken_login(token, pin, size, 0, &session));
    }
    if (strcmp(how, "leave") != 0)
        wipe(pin, sizeof pin);
    wipe(pin_utf16, sizeof pin_utf16);
    usbtoken_pending_list *list = NULL;
    OK(session, usbtoken_session_pending(session, &list));
    usbtoken_pending_list_free(&list);
    usbtoken_session_free(&session);
    printf("%d\n", copies());
    usbtoken_token_free(&token);
    usbtoken_context_free(&context);
    return 0;
}
