/* Another driver (SENT_DRIVER) that notes each PIN it is given, the function's name and the process a line in SENT_LOG, and what then becomes of the
   function that SENT_IN names, when the driver has done its work: SENT_THEN is hang or crash. When it is loaded and when it is given a PIN it starts a
   program that adds to the file SENT_ENVIRON what it, the driver's process and that one's parent were started with and have in their environment. */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long U;
typedef unsigned char B;

/* The functions of PKCS#11 v2.40 in the order of CK_FUNCTION_LIST. */
enum { SET_PIN = 11, LOGIN = 18, FUNCTIONS = 68 };
struct list { B version[2]; U (*function[FUNCTIONS])(); };
static struct list *real, ours;

static int then(const char *function, const char *what)
{
    const char *in = getenv("SENT_IN"), *does = getenv("SENT_THEN");
    return in && does && !strcmp(in, function) && !strcmp(does, what);
}

static void environments(void)
{
    char command[256];
    if (!getenv("SENT_ENVIRON")) return;
    snprintf(command, sizeof command, "cat /proc/self/environ /proc/%d/environ /proc/%d/environ >> \"$SENT_ENVIRON\"", getpid(), getppid());
    system(command);
}

static U sent(const char *function, const B *pin, U rv)
{
    environments();
    FILE *log = pin ? fopen(getenv("SENT_LOG"), "a") : 0;
    if (log) fprintf(log, "%s %d\n", function, getpid()), fclose(log);
    while (then(function, "hang")) sleep(1);
    if (then(function, "crash")) abort();
    return rv;
}

static U login(U session, U user, B *pin, U length)
{
    U rv = real->function[LOGIN](session, user, pin, length);
    return sent("C_Login", pin, rv);
}

static U set_pin(U session, B *old, U length, B *new, U new_length)
{
    U rv = real->function[SET_PIN](session, old, length, new, new_length);
    return sent("C_SetPIN", old, rv);
}

U C_GetFunctionList(struct list **list)
{
    if (!real) {
        void *library = dlopen(getenv("SENT_DRIVER"), RTLD_NOW | RTLD_LOCAL);
        U (*get)(struct list **) = library ? (U (*)(struct list **))dlsym(library, "C_GetFunctionList") : 0;
        if (!get || get(&real)) return 5;
        environments();
        ours = *real;
        ours.function[LOGIN] = login, ours.function[SET_PIN] = set_pin;
    }
    return *list = &ours, 0;
}
