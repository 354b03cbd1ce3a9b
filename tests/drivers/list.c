/* The least that a program has to do to read the certificates of a token, to measure `list` against: `list MODULE LABEL`. One call for
 * each certificate, none is understood. */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long U;

/* As PKCS#11 v2.40 lays them out where structs are not packed, which is everywhere but on Windows. */
struct attribute { U type; void *value; U size; };
struct functions { unsigned char version[2]; U (*call[68])(); };
enum { INITIALIZE = 0, FINALIZE = 1, GET_SLOT_LIST = 4, GET_TOKEN_INFO = 6, OPEN_SESSION = 12, GET_ATTRIBUTE_VALUE = 24,
       FIND_INIT = 26, FIND = 27, FIND_FINAL = 28 };

static struct functions *pkcs11;

static void must(int condition, const char *what)
{
    if (!condition) fprintf(stderr, "list: %s\n", what), exit(1);
}

#define CALL(which, ...) must(((U (*)())pkcs11->call[which])(__VA_ARGS__) == 0, #which)

int main(int count, char **words)
{
    static unsigned char info[512], id[1027], label[1027], value[8191];
    U slots[64], slot_count = 64, session = 0, class = 1, type, found = 1, objects[512], certificates = 0, bytes = 0;
    struct attribute wanted = {0, &class, sizeof class};
    must(count == 3, "MODULE LABEL");
    void *library = dlopen(words[1], RTLD_NOW | RTLD_LOCAL);
    must(library != 0, "dlopen");
    U (*get)(struct functions **) = (U (*)(struct functions **))dlsym(library, "C_GetFunctionList");
    must(get && get(&pkcs11) == 0, "C_GetFunctionList");
    CALL(INITIALIZE, (void *)0);
    CALL(GET_SLOT_LIST, 1, slots, &slot_count);
    for (U i = 0; i < slot_count && !session; i++) {
        CALL(GET_TOKEN_INFO, slots[i], info);
        if (!strncmp((char *)info, words[2], strlen(words[2]))) CALL(OPEN_SESSION, slots[i], 4UL, (void *)0, (void *)0, &session);
    }
    must(session != 0, "no such token");
    CALL(FIND_INIT, session, &wanted, 1UL);
    while (found) {
        CALL(FIND, session, objects, 512UL, &found);
        for (U i = 0; i < found; i++) {
            struct attribute read[] = {{0, &class, sizeof class}, {0x102, id, sizeof id}, {3, label, sizeof label},
                                       {0x80, &type, sizeof type}, {0x11, value, sizeof value}};
            CALL(GET_ATTRIBUTE_VALUE, session, objects[i], read, 5UL);
            bytes += read[4].size;
        }
        certificates += found;
    }
    CALL(FIND_FINAL, session);
    CALL(FINALIZE, (void *)0);
    printf("%lu certificates, %lu bytes\n", certificates, bytes);
    return 0;
}
