/* A driver that misbehaves as DRIVER says, and else does next to nothing. */
#include "host.h"
#include <poll.h>

#define IS(what) (getenv("DRIVER") && !strcmp(getenv("DRIVER"), what))

static struct list own;

__attribute__((destructor)) static void unloaded(void)
{
    if (IS("says-goodbye")) { puts("driver unloaded"); fflush(stdout); }
}

static U initialize(void *args)
{
    if (IS("leads-back-later")) {
        U (*get)(struct list **) = (U(*)(struct list **))dlsym(dlopen(getenv("BACK"), RTLD_NOW), "C_GetFunctionList");
        struct list *list;
        if (get(&list)) return 0x31;
        return ((U(*)(void *))list->functions[0])(NULL) == 5 ? 0x30 : 0x32;
    }
    static int times;
    if (IS("starts-at-the-second-time") && !times++) poll(NULL, 0, -1);
    return 0;
}
static U ok(void) { return 0; }
static U get_info(char *at)
{
    if (IS("leaves-fields")) { at[0] = 2; return 0; }
    memset(at, 0, 88);
    at[0] = 2, at[1] = 40;
    memset(at + 2, ' ', 32), memcpy(at + 2, "maker", 5);
    return 0;
}
static U token_info(U slot, struct token_info *at)
{
    if (slot == 99) return 3;
    memcpy(at->label, "token", 5);
    return 0;
}
static U slots(unsigned char present, U *at, U *count) { errno = 4721; *count = 0; return 0; }
static U open_session(U slot, U flags, void *app, U (*notify)(U, U, void *), U *at)
{
    if (slot == 99) return 3;
    if (notify) notify(1, 0, app);
    *at = 1;
    return 0;
}
static U refuses(U session) { return session == 99 ? 0xB3 : 0; }
static U init_token(U slot) { return slot == 99 ? 3 : IS("refuses") ? 0xA0 : 0; }
static U create(U session, void *template, U count, U *at)
{
    if (session == 99) return 0xB3;
    if (IS("refuses")) return 0xD1;
    *at = 5;
    return 0;
}
static U attributes(U session, U object, struct attribute *at, U count)
{
    if (session == 99) return 0xB3;
    if (IS("stops-at-the-first")) { at[0].length = -1; return 0x11; }
    if (IS("buffer-too-small")) { at[0].length = -1; return 0x150; }
    if (IS("writes-nothing")) return 0;
    for (U i = 0; i < count; i++) {
        if (at[i].type == 3) memcpy(at[i].value, "from the driver", 15), at[i].length = 15;
        if (at[i].type == 0x102) memcpy(at[i].value, "\xAB\x01", 2), at[i].length = 2;
    }
    return 0;
}
static U found(U session, U *at, U room, U *count)
{
    if (session == 99) return 0xB3;
    *count = 0;
    return 0;
}
static U wait_for_event(U flags, U *slot, void *reserved)
{
    errno = 4722;
    if (flags) return 8;
    for (;;) poll(NULL, 0, -1);
}

/* Lists that are made anew, each with functions of its own. */
static int lists_made;
#define NEW(n) static U info_##n(void *at) { return 0x80000000UL + n; }
#define TENS(M, t) M(t##0) M(t##1) M(t##2) M(t##3) M(t##4) M(t##5) M(t##6) M(t##7) M(t##8) M(t##9)
TENS(NEW, 1) TENS(NEW, 2) TENS(NEW, 3)
#define ADDRESS(n) (void *)info_##n,
static void *infos[] = {TENS(ADDRESS, 1) TENS(ADDRESS, 2) TENS(ADDRESS, 3)};

U C_GetFunctionList(struct list **list)
{
    struct list *made = &own;
    own.major = 2, own.minor = 40;
    for (int i = 0; i < 68; i++) own.functions[i] = (void *)ok;
    own.functions[0] = (void *)initialize;
    own.functions[2] = (void *)get_info;
    own.functions[3] = (void *)C_GetFunctionList;
    own.functions[4] = (void *)slots;
    own.functions[6] = (void *)token_info;
    own.functions[9] = (void *)init_token;
    own.functions[12] = (void *)open_session;
    own.functions[18] = own.functions[26] = own.functions[42] = (void *)refuses;
    own.functions[20] = (void *)create;
    own.functions[24] = (void *)attributes;
    own.functions[27] = (void *)found;
    own.functions[67] = (void *)wait_for_event;
    if (IS("leads-back")) {
        U (*get)(struct list **) = (U(*)(struct list **))dlsym(dlopen(getenv("BACK"), RTLD_NOW), "C_GetFunctionList");
        struct list *theirs;
        return get(&theirs);
    }
    if (IS("copies") || IS("new-lists")) {
        made = malloc(sizeof own);
        *made = own;
        if (IS("new-lists")) made->functions[2] = infos[lists_made++ % 30];
    }
    *list = made;
    return 0;
}
