/* A driver in front of SoftHSM (DRIVER), which ends or hangs in one function. Beside the token's configuration, the file that ends
 * with `.ends` says `way:function:times`: what it does the so-manieth time that the function is called, `*` for any; with `unlabelled`
 * behind it, keys get no label when they are made. Into the one that ends with `.log` goes a line for each call: the function and this
 * process. With the variable SCAN the PIN is not told to SoftHSM, and each call notes whether this process has it in its memory. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef unsigned long U;

enum { FUNCTIONS = 68 };
struct list { unsigned char version[2]; U (*function[FUNCTIONS])(U, U, U, U, U, U, U, U); };

/* Those of PKCS#11 v2.40 that are examined, by their places in CK_FUNCTION_LIST. */
static const char *const name[FUNCTIONS] = {
    [0] = "C_Initialize", [1] = "C_Finalize", [2] = "C_GetInfo", [4] = "C_GetSlotList", [5] = "C_GetSlotInfo",
    [6] = "C_GetTokenInfo", [7] = "C_GetMechanismList", [8] = "C_GetMechanismInfo", [11] = "C_SetPIN", [12] = "C_OpenSession",
    [13] = "C_CloseSession", [15] = "C_GetSessionInfo", [18] = "C_Login", [19] = "C_Logout", [20] = "C_CreateObject",
    [22] = "C_DestroyObject", [24] = "C_GetAttributeValue", [25] = "C_SetAttributeValue", [26] = "C_FindObjectsInit",
    [27] = "C_FindObjects", [28] = "C_FindObjectsFinal", [42] = "C_SignInit", [43] = "C_Sign", [59] = "C_GenerateKeyPair",
};

static struct list *real, ends;

static FILE *beside(const char *ending, const char *mode)
{
    char path[4096];
    snprintf(path, sizeof path, "%s%s", getenv("SOFTHSM2_CONF"), ending);
    return fopen(path, mode);
}

static void note_of(const char *what, U object)
{
    FILE *log = beside(".log", "a");
    if (log) fprintf(log, "%s %d %lu\n", what, (int)getpid(), object), fclose(log);
}

static void note(const char *what) { note_of(what, 0); }

/* Whether it is this function's turn, and how it ends: `crash`, `abort`, `exit`, `kill`, `hang`, `close` (every descriptor); with
 * `-after` once the real function has done its work. */
static int is_meant(const char *function, int after, char *way, int count)
{
    char meant[64] = "", *tail;
    int times = 1;
    FILE *file = beside(".ends", "r");
    int read = file ? fscanf(file, "%31[^:]:%63[^:]:%d", way, meant, &times) : 0;
    if (file) fclose(file);
    if (read < 2) return 0;
    tail = strstr(way, "-after");
    if ((tail != 0) != after || strcmp(meant, function)) return 0;
    if (tail) *tail = 0;
    return count == times;
}

/* What it gets at of the file REACH, and of what is beyond its process: each that works is noted. */
static void reach(void)
{
    const char *file = getenv("REACH");
    int status = 1;
    if (open(file, O_RDONLY) >= 0) note("reads");
    if (open(file, O_WRONLY) >= 0) note("writes");
    int opened = open(file, O_RDONLY), segment;
    struct rlimit limit;
    if (!chmod(file, 0600) || !fchmod(opened, 0600) || !fchown(opened, getuid(), -1)) note("changes");
    if (!utimensat(AT_FDCWD, file, 0, 0) || !futimens(opened, 0)) note("dates");
    if (!prlimit(getppid(), RLIMIT_CORE, 0, &limit) || !prlimit(getppid(), RLIMIT_CORE, &limit, 0)) note("limits");
    if (!setpriority(PRIO_PROCESS, getppid(), getpriority(PRIO_PROCESS, getppid()))) note("slows");
    if ((segment = shmget(IPC_PRIVATE, 4096, 0600)) >= 0) note("shares"), shmctl(segment, IPC_RMID, 0);
    if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0) note("asks");
    if (socket(AF_INET, SOCK_STREAM, 0) >= 0) note("connects");
    pid_t child = fork();
    if (!child) execl("/bin/true", "true", (char *)0), _exit(1);
    if (waitpid(child, &status, 0) == child && !status) note("runs");
}

/* What it has that a host should not have. */
static void state(void)
{
    struct rlimit core;
    if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)) note("dumpable");
    if (!prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)) note("privileges");
    if (getrlimit(RLIMIT_CORE, &core) || core.rlim_cur || core.rlim_max) note("core");
    if (getenv("LD_PRELOAD") || getenv("LD_AUDIT") || getenv("MALLOC_ARENA_MAX")) note("environment");
}

/* Whether the memory of this process has what stands in SCAN, which begins with its end. */
static int has_pin(const char *backwards)
{
    unsigned long from, to;
    size_t length = strlen(backwards), same;
    char line[512], may[8];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx %7s", &from, &to, may) != 3 || strncmp(may, "rw", 2)) continue;
        for (const char *at = (const char *)from; (unsigned long)at + length <= to && !found; at++) {
            for (same = 0; same < length && at[same] == backwards[length - 1 - same]; same++);
            found = same == length;
        }
    }
    if (maps) fclose(maps);
    return found;
}

static void act(const char *function, int after, int count)
{
    char way[32] = "";
    if (!is_meant(function, after, way, count)) return;
    note(way);
    /* What is left of it has all descriptors. */
    if (!strcmp(way, "orphan") && !fork()) for (;; sleep(1)) if (getppid() == 1) sleep(20), _exit(0);
    if (!strcmp(way, "crash") || !strcmp(way, "orphan")) *(volatile int *)0 = 1;
    if (!strcmp(way, "abort")) abort();
    if (!strcmp(way, "exit")) exit(0);
    if (!strcmp(way, "kill")) kill(getpid(), SIGKILL);
    if (!strcmp(way, "close")) for (int i = 0; i < 1024; i++) close(i);
    if (!strcmp(way, "sleep")) sleep(3), note("slept");
    if (!strcmp(way, "reach")) reach();
    if (!strcmp(way, "state")) state();
    if (!strcmp(way, "terminal")) raise(SIGTTIN);
    if (!strcmp(way, "die-with")) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    while (!strcmp(way, "hang")) pause();
}

struct attribute { U type; void *value; U size; };

/* A template without its CKA_LABEL, as a token leaves it out that gives none or one of its own. */
static U unlabelled(struct attribute *kept, const struct attribute *attributes, U count)
{
    U left = 0;
    for (U i = 0; i < count; i++) if (attributes[i].type != 3) kept[left++] = attributes[i];
    return left;
}

static int is_unlabelled(void)
{
    char all[128] = "";
    FILE *file = beside(".ends", "r");
    if (file) fread(all, 1, sizeof all - 1, file), fclose(file);
    return strstr(all, "unlabelled") != 0;
}

static U call(int which, U a, U b, U c, U d, U e, U f, U g, U h)
{
    static int counts[FUNCTIONS], all;
    struct attribute public[64], private[64];
    int count = ++counts[which];
    note_of(name[which], which == 24 ? b : 0);
    act("*", 0, ++all);
    act(name[which], 0, count);
    if (which == 59 && is_unlabelled()) {
        d = unlabelled(public, (void *)c, d), c = (U)public;
        f = unlabelled(private, (void *)e, f), e = (U)private;
    }
    const char *pin = getenv("SCAN");
    if (pin) note(has_pin(pin) ? "found" : "clean");
    U rv = pin && which == 18 ? 0 : real->function[which](a, b, c, d, e, f, g, h);
    act(name[which], 1, count);
    act("*", 1, all);
    return rv;
}

#define WRAP(n) static U wrap##n(U a, U b, U c, U d, U e, U f, U g, U h) { return call(n, a, b, c, d, e, f, g, h); }
#define ALL(X) X(0) X(1) X(2) X(4) X(5) X(6) X(7) X(8) X(11) X(12) X(13) X(15) X(18) X(19) X(20) X(22) X(24) X(25) X(26) X(27) X(28) \
    X(42) X(43) X(59)
ALL(WRAP)

__attribute__((constructor)) static void load(void) { act("load", 0, 1); }
__attribute__((destructor)) static void unload(void) { act("unload", 0, 1); }

U C_GetFunctionList(struct list **list)
{
    act("C_GetFunctionList", 0, 1);
    if (!real) {
        void *library = dlopen(DRIVER, RTLD_NOW | RTLD_LOCAL);
        U (*get)(struct list **) = library ? (U (*)(struct list **))dlsym(library, "C_GetFunctionList") : 0;
        if (!get || get(&real)) return 5;
        ends = *real;
#define PUT(n) ends.function[n] = wrap##n;
        ALL(PUT)
    }
    return *list = &ends, 0;
}
