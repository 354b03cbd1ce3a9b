/* What the C tests have in common. */
#ifndef CHECK_H
#define CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usbtoken.h"

#define NUL USBTOKEN_NUL_TERMINATED

/* Ends the test when something does not hold. */
#define CHECK(condition)                                                                   \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);  \
            exit(1);                                                                       \
        }                                                                                  \
    } while (0)

/* Ends the test when a call on a handle did not return what it should; says what it says of it. */
#define EXPECT(wanted, handle, call)                                                          \
    do {                                                                                      \
        long long got_ = (long long)(call);                                                   \
        if (got_ != (long long)(wanted)) {                                                    \
            usbtoken_error *error_ = NULL;                                                    \
            const char *line_ = NULL;                                                         \
            if (usbtoken_last_error((handle), &error_) == USBTOKEN_OK && error_ != NULL)      \
                line_ = usbtoken_error_text(error_, USBTOKEN_ERROR_ONE_LINE, USBTOKEN_LANGUAGE_EN); \
            fprintf(stderr, "%s:%d: %s\n  returned %lld instead of %lld: %s\n", __FILE__, __LINE__, #call, \
                    got_, (long long)(wanted), line_ ? line_ : "no details");                 \
            exit(1);                                                                          \
        }                                                                                     \
    } while (0)

#define OK(handle, call) EXPECT(USBTOKEN_OK, handle, call)

/* Runs a shell command with this input; returns what it prints, to be freed. */
static inline char *ask_command(const char *command, const char *input, size_t size, size_t *got)
{
    char in[] = "/tmp/usbtoken-in-XXXXXX", line[4096];
    int file = mkstemp(in);
    CHECK(file >= 0);
    FILE *stream = fdopen(file, "w");
    CHECK(stream != NULL && fwrite(input, 1, size, stream) == size && fclose(stream) == 0);
    CHECK((size_t)snprintf(line, sizeof line, "%s < %s", command, in) < sizeof line);
    FILE *pipe = popen(line, "r");
    CHECK(pipe != NULL);
    char *out = malloc(1 << 20);
    CHECK(out != NULL);
    *got = fread(out, 1, (1 << 20) - 1, pipe);
    out[*got] = 0;
    CHECK(pclose(pipe) == 0);
    remove(in);
    return out;
}

#endif
