/* A driver in front of the one that ODD_DRIVER names, which behaves as drivers in the world do. ODD is a list of words and
 * numbers, `word=number,word`; what each does stands beside its use. */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef unsigned long U;
typedef unsigned char B;

struct token_info {
    B label[32], manufacturer[32], model[16], serial[16];
    U flags, sessions[4], longest_pin, shortest_pin, memory[4];
    B versions[4], time[16];
};
struct mechanism_info { U smallest, largest, flags; };
struct mechanism { U kind; void *parameter; U length; };
struct attribute { U type; void *value; U length; };

/* The functions of PKCS#11 v2.40 in the order of CK_FUNCTION_LIST. */
enum {
    INITIALIZE, FINALIZE, GET_LIST = 3, SLOT_LIST, TOKEN_INFO = 6, MECHANISM_LIST, MECHANISM_INFO, LOGIN = 18,
    CREATE_OBJECT = 20, GET_ATTRIBUTES = 24, SIGN_INIT = 42, SIGN, FUNCTIONS = 68
};
struct list { B version[2]; U (*function[FUNCTIONS])(); };

static struct list *real, odd;
static int starts;

static const char *word(const char *name)
{
    size_t length = strlen(name);
    for (const char *at = getenv("ODD"); at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : 0)
        if (!strncmp(at, name, length) && (!at[length] || at[length] == ',' || at[length] == '='))
            return at[length] == '=' ? at + length + 1 : "1";
    return 0;
}

static U number(const char *name) { const char *value = word(name); return value ? strtoul(value, 0, 0) : 0; }

/* `starts-once`: a client of a network HSM. `untidy`: it prints, goes to another folder, and lets everybody write. */
static U initialize(void *arguments)
{
    if (word("untidy")) printf("driver: debug\n"), chdir("/"), umask(0);
    if (word("starts-once") && starts++) return 5;
    return real->function[INITIALIZE](arguments);
}

/* `many-slots`: so many empty ones before the real ones, and a list that is too long does not tell how long it is. */
static U slot_list(B present, U *slots, U *count)
{
    U extra = number("many-slots"), room = *count, own[64], owned = 64;
    if (!extra) return real->function[SLOT_LIST](present, slots, count);
    U rv = real->function[SLOT_LIST](present, own, &owned);
    if (rv) return rv;
    if (!slots) return *count = extra + owned, 0;
    if (room < extra + owned) return 0x150;
    for (U i = 0; i < extra + owned; i++) slots[i] = i < extra ? 0x7000 + i : own[i - extra];
    return *count = extra + owned, 0;
}

static U token_info(U slot, struct token_info *info)
{
    static B tail = 'a';
    U rv = slot >= 0x7000 && slot < 0x8000 ? 0xE0 : real->function[TOKEN_INFO](slot, info);
    if (rv) return rv;
    if (word("shortest-pin")) info->shortest_pin = number("shortest-pin");
    if (word("longest-pin")) info->longest_pin = number("longest-pin");
    info->flags = (info->flags & ~number("no-flags")) | number("flags");
    for (int i = 31; word("text-then-memory") && i > 0 && info->label[i] == ' '; i--)
        info->label[i] = info->label[i - 1] == ' ' ? tail++ : 0;
    if (word("latin-1")) memcpy(info->manufacturer, "M\xfcller    ", 10);
    return 0;
}

static U mechanism_info(U slot, U kind, struct mechanism_info *info)
{
    U rv = word("mechanism-info") ? number("mechanism-info") : real->function[MECHANISM_INFO](slot, kind, info);
    if (word("largest-key")) info->largest = number("largest-key");
    return rv;
}

/* It lists one mechanism more, and another one not. */
static U mechanism_list(U slot, U *kinds, U *count)
{
    U all[600], found = 599, kept = 0, room = *count, rv = real->function[MECHANISM_LIST](slot, all, &found);
    if (rv) return rv;
    for (U i = 0; i < found; i++) if (!word("lists-not") || all[i] != number("lists-not")) all[kept++] = all[i];
    if (word("lists-too")) all[kept++] = number("lists-too");
    *count = kept;
    if (kinds && room < kept) return 0x150;
    if (kinds) memcpy(kinds, all, kept * sizeof *all);
    return 0;
}

static U login(U session, U user, B *pin, U length)
{
    return word("login") ? number("login") : real->function[LOGIN](session, user, pin, length);
}

/* `certificates-private`: every object that is created is. */
static U create(U session, struct attribute *given, U count, U *object)
{
    static B yes = 1;
    struct attribute all[40];
    U at = 0;
    if (!word("certificates-private")) return real->function[CREATE_OBJECT](session, given, count, object);
    memcpy(all, given, count * sizeof *given);
    while (at < count && all[at].type != 2) at++;
    all[at] = (struct attribute){2, &yes, 1};
    return real->function[CREATE_OBJECT](session, all, at == count ? count + 1 : count, object);
}

static U attributes(U session, U object, struct attribute *list, U count)
{
    U room[64], unavailable = (U)-1;
    for (U i = 0; i < count && i < 64; i++) {
        room[i] = list[i].length;
        /* It takes a number in a buffer of its own length only. */
        if (word("exact-numbers") && list[i].value && (list[i].type == 0 || list[i].type == 0x100) && room[i] != sizeof(U))
            return 7;
    }
    U rv = real->function[GET_ATTRIBUTES](session, object, list, count);
    U key_type = (U)-1;
    struct attribute of_key = {0x100, &key_type, sizeof key_type};
    /* Where a number has another room, it is not available. */
    for (U i = 0; word("numbers-fill-their-room") && i < count && i < 64; i++)
        if (list[i].value && (list[i].type == 0 || list[i].type == 0x80 || list[i].type == 0x100) && room[i] != sizeof(U))
            list[i].length = unavailable, rv = 0x12;
    /* The modulus of an EC key has a length that makes no sense, whoever asks and however often. */
    for (U i = 0; word("ec-modulus") && i < count && i < 64; i++)
        if (list[i].type == 0x120 && !real->function[GET_ATTRIBUTES](session, object, &of_key, 1) && key_type == 3)
            list[i].length = unavailable - 1, rv = 0x150;
    for (U i = 0; i < count && i < 64; i++) {
        if (list[i].length == unavailable && word("lengths-of-32-bits")) list[i].length = 0xffffffff;
        if (list[i].length == unavailable || !list[i].value) continue;
        if (word("lengths-stay") && list[i].length < room[i]) list[i].length = room[i];
        if (word("labels-end-with-nul") && list[i].type == 3 && list[i].length < room[i])
            ((B *)list[i].value)[list[i].length++] = 0;
    }
    return rv;
}

static U sign_init(U session, struct mechanism *mechanism, U key)
{
    if (word("refuses") && mechanism->kind == number("refuses")) return word("refuses-with") ? number("refuses-with") : 0x70;
    return real->function[SIGN_INIT](session, mechanism, key);
}

static int integer(B *out, const B *value, int length)
{
    while (length > 1 && !*value) value++, length--;
    int zero = *value >> 7;
    out[0] = 2, out[1] = length + zero, out[2] = 0;
    memcpy(out + 2 + zero, value, length);
    return 2 + zero + length;
}

static U sign(U session, B *data, U length, B *signature, U *count)
{
    static int made;
    U room = *count;
    if (word("logged-out-after") && made++ >= (int)number("logged-out-after")) return 0x101;
    U rv = real->function[SIGN](session, data, length, signature, count);
    if (rv || !signature) return rv;
    if (word("ecdsa-as-der")) {
        B der[200];
        int end = 2;
        end += integer(der + end, signature, *count / 2);
        end += integer(der + end, signature + *count / 2, *count / 2);
        der[0] = 0x30, der[1] = end - 2;
        memcpy(signature, der, *count = end);
    }
    if (word("signatures-filled-up") && room >= *count + 8) memset(signature + *count, 0, 8), *count += 8;
    return 0;
}

U C_GetFunctionList(struct list **list)
{
    if (!real) {
        void *library = dlopen(getenv("ODD_DRIVER"), RTLD_NOW | RTLD_LOCAL);
        U (*get)(struct list **) = library ? (U (*)(struct list **))dlsym(library, "C_GetFunctionList") : 0;
        if (!get || get(&real)) return 5;
        odd = *real;
        odd.function[INITIALIZE] = initialize, odd.function[GET_LIST] = C_GetFunctionList;
        odd.function[SLOT_LIST] = slot_list, odd.function[TOKEN_INFO] = token_info;
        odd.function[MECHANISM_LIST] = mechanism_list, odd.function[MECHANISM_INFO] = mechanism_info;
        odd.function[LOGIN] = login, odd.function[CREATE_OBJECT] = create;
        odd.function[GET_ATTRIBUTES] = attributes;
        odd.function[SIGN_INIT] = sign_init, odd.function[SIGN] = sign;
        if (word("without-mechanism-info")) odd.function[MECHANISM_INFO] = 0;
    }
    return *list = &odd, 0;
}
