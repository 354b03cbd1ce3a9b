/* A driver that does nothing but say which of its functions was called, and with what. It offers every kind of
 * interface: v2.40, v3.0 and v3.2, one of a version that nobody knows yet, and a vendor's own. */

#include <stddef.h>

typedef unsigned long U;
typedef U (*Notify)(U session, U event, void *application);

/* Which function (by its place in the list), which list, and its arguments. */
U seen[12];

#define FUNCTION(list, place)                                                                          \
    static U f##list##_##place(U a, U b, U c, U d, U e, U f, U g, U h, U i, U j)                       \
    {                                                                                                  \
        U args[] = {place, list, a, b, c, d, e, f, g, h, i, j};                                        \
        for (int k = 0; k < 12; k++) seen[k] = args[k];                                                \
        if (place == 12 && d) return ((Notify)d)(1, 0, (void *)c); /* C_OpenSession calls back */      \
        return 0x80000000UL + 1000 * list + place;                                                     \
    }
#define TENS(list, M, t) M(list, t##0) M(list, t##1) M(list, t##2) M(list, t##3) M(list, t##4) \
                         M(list, t##5) M(list, t##6) M(list, t##7) M(list, t##8) M(list, t##9)
#define ALL(list, M)                                                                                   \
    M(list, 0) M(list, 1) M(list, 2) M(list, 3) M(list, 4) M(list, 5) M(list, 6) M(list, 7)            \
    M(list, 8) M(list, 9) TENS(list, M, 1) TENS(list, M, 2) TENS(list, M, 3) TENS(list, M, 4)          \
    TENS(list, M, 5) TENS(list, M, 6) TENS(list, M, 7) TENS(list, M, 8) TENS(list, M, 9)               \
    M(list, 100) M(list, 101) M(list, 102) M(list, 103)
#define ENTRY(list, place) (void *)f##list##_##place,

ALL(0, FUNCTION)
ALL(1, FUNCTION)
ALL(2, FUNCTION)

struct list { unsigned char major, minor; void *functions[104]; };
struct interface { const char *name; void *list; U flags; };

static struct list v2_40 = {2, 40, {ALL(0, ENTRY)}};
static struct list v3_0 = {3, 0, {ALL(1, ENTRY)}};
static struct list v3_2 = {3, 2, {ALL(2, ENTRY)}};
static struct list v9_9 = {9, 9, {ALL(2, ENTRY)}};
static int vendors_own;

static struct interface interfaces[] = {
    {"PKCS 11", &v9_9, 0}, {"PKCS 11", &v3_2, 1}, {"PKCS 11", &v3_0, 0}, {"PKCS 11", &v2_40, 0},
    {"Vendor", &vendors_own, 0},
};

U C_GetFunctionList(struct list **list)
{
    v2_40.functions[5] = NULL; /* C_GetSlotInfo is missing here */
    *list = &v2_40;
    return 0;
}

U C_GetInterfaceList(struct interface *list, U *count)
{
    U room = *count;
    *count = 5;
    if (list && room < 5) return 0x150;
    for (int i = 0; list && i < 5; i++) list[i] = interfaces[i];
    return 0;
}

U C_GetInterface(const char *name, unsigned char *version, struct interface **interface, U flags)
{
    for (int i = 0; i < 5; i++) {
        unsigned char *has = interfaces[i].list;
        if (name && name[0] != interfaces[i].name[0]) continue;
        if (version && (has[0] != version[0] || has[1] != version[1])) continue;
        if (flags & ~interfaces[i].flags) continue;
        *interface = &interfaces[i];
        return 0;
    }
    return 7;
}
