/* What the odd driver is made of: the structures of PKCS#11, and how it reads what it is told to be. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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
    INITIALIZE, FINALIZE, GET_LIST = 3, SLOT_LIST, TOKEN_INFO = 6, MECHANISM_LIST, MECHANISM_INFO, OPEN_SESSION = 12, SESSION_INFO = 15,
    LOGIN = 18, LOGOUT,
    CREATE_OBJECT, DESTROY_OBJECT = 22, GET_ATTRIBUTES = 24, SET_ATTRIBUTES, FIND_INIT, FIND, FIND_FINAL,
    SIGN_INIT = 42, SIGN, SIGN_FINAL = 45, VERIFY_INIT = 48, VERIFY, GENERATE_KEY_PAIR = 59, FUNCTIONS = 68
};
struct list { B version[2]; U (*function[FUNCTIONS])(); };

static struct list *real, odd;
static int starts, logins, pairs;
static __thread int knows_thread;

static const char *word(const char *name)
{
    size_t length = strlen(name);
    for (const char *at = getenv("ODD"); at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : 0)
        if (!strncmp(at, name, length) && (!at[length] || at[length] == ',' || at[length] == '='))
            return at[length] == '=' ? at + length + 1 : "1";
    return 0;
}

static U number(const char *name) { const char *value = word(name); return value ? strtoul(value, 0, 0) : 0; }

/* The number of a word that may have none. */
static U answer(const char *name, U otherwise) { U told = number(name); return told > 1 ? told : otherwise; }

/* What was called, a word a line. */
static void note(const char *what)
{
    FILE *log = getenv("ODD_LOG") ? fopen(getenv("ODD_LOG"), "a") : 0;
    if (log) fprintf(log, "%s\n", what), fclose(log);
}

static struct attribute *of_type(struct attribute *list, U count, U type)
{
    for (U i = 0; i < count; i++) if (list[i].type == type) return list + i;
    return 0;
}

/* Whether one of the numbers, which have colons between them, is the type of an attribute that is given. */
static int gives(const char *name, struct attribute *given, U count)
{
    for (char *at = (char *)word(name); at; at = *at == ':' ? at + 1 : 0)
        if (of_type(given, count, strtoul(at, &at, 0))) return 1;
    return 0;
}
