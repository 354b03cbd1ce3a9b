/* A driver with one token without objects, whose serial number is the name of this file, and which takes SLOW_MS milliseconds for each
 * call. With SLOW_HANGS=C_Finalize and the like, one whose file is named after `hang` never returns from that function. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long U;
typedef unsigned char B;

struct version { B major, minor; };
struct token { B label[32], maker[32], model[16], serial[16]; U flags, number[10]; struct version hard, firm; B time[16]; };

static const char *own_file(void)
{
    Dl_info info;
    dladdr((void *)own_file, &info);
    return strrchr(info.dli_fname, '/') + 1;
}

static U nap(const char *function)
{
    const char *takes = getenv("SLOW_MS"), *hangs = getenv("SLOW_HANGS");
    if (takes) usleep(1000 * atoi(takes));
    while (hangs && !strcmp(hangs, function) && strstr(own_file(), "hang")) pause();
    return 0;
}

static void pad(B *place, const char *text, size_t length)
{
    memset(place, ' ', length);
    memcpy(place, text, strlen(text) < length ? strlen(text) : length);
}

static U initialize(void *arguments) { return nap("C_Initialize"); }
static U finalize(void *reserved) { return nap("C_Finalize"); }

static U slots(B present, U *list, U *count)
{
    nap("C_GetSlotList");
    if (list && *count < 1) return 0x150;
    if (list) list[0] = 1;
    return *count = 1, 0;
}

static U token_info(U slot, struct token *token)
{
    nap("C_GetTokenInfo");
    memset(token, 0, sizeof *token);
    pad(token->label, own_file(), sizeof token->label);
    pad(token->maker, "slow", sizeof token->maker);
    pad(token->model, "slow", sizeof token->model);
    pad(token->serial, own_file(), sizeof token->serial);
    pad(token->time, "", sizeof token->time);
    return token->flags = 0x40c, 0;
}

static U open_session(U slot, U flags, void *data, void *notify, U *session) { return nap("C_OpenSession"), *session = 5, 0; }
static U close_session(U session) { return nap("C_CloseSession"); }
static U find_init(U session, void *template, U count) { return nap("C_FindObjectsInit"); }
static U find(U session, U *objects, U room, U *count) { return nap("C_FindObjects"), *count = 0, 0; }
static U find_final(U session) { return nap("C_FindObjectsFinal"); }

U C_GetFunctionList(void **list)
{
    static struct { struct version version; void *function[68]; } functions = {
        { 2, 40 },
        { [0] = initialize, [1] = finalize, [3] = C_GetFunctionList, [4] = slots, [6] = token_info, [12] = open_session,
          [13] = close_session, [26] = find_init, [27] = find, [28] = find_final },
    };
    return *list = &functions, 0;
}
