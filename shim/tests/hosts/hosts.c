/* Unusual hosts: `hosts SCENE MODULE [WORD…]`. What one prints must be the same without the shim and through it. */
#include "host.h"
#include <elf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

static char info[512];
static char **words;

static void own_file(const char *path, int wanted)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (wanted >= 0 && file != wanted) { dup2(file, wanted); close(file); file = wanted; }
    if (write(file, "host data\n", 10) != 10) exit(3);
}

static void call(int times)
{
    for (int i = 0; i < times; i++) {
        U rv = GET_INFO(info);
        if (rv) { printf("C_GetInfo %#lx\n", rv); return; }
    }
}

/* A daemon: closes what it does not know, then opens a file of its own. */
static void closes_all(void)
{
    INITIALIZE();
    for (int file = 3; file < 1024; file++) close(file);
    own_file(words[0], -1);
    call(2);
    FINALIZE();
}

/* The same, and its own file gets the very number that the trace had. */
static void takes_the_number(void)
{
    INITIALIZE();
    int taken = 0;
    for (int file = 3; file < 1024; file++) {
        char link[64], target[4096] = "";
        snprintf(link, sizeof link, "/proc/self/fd/%d", file);
        if (readlink(link, target, sizeof target - 1) > 0 && !strcmp(target, words[1])) taken = file;
    }
    own_file(words[0], taken ? taken : -1);
    call(2);
    FINALIZE();
    fprintf(stderr, "taken %d\n", taken);
}

/* Started with 0, 1 and 2 closed. */
static void without_standard_files(void)
{
    INITIALIZE();
    printf("words of the host\n");
    fflush(stdout);
    call(2);
    FINALIZE();
    for (int file = 0; file < 3; file++) if (fcntl(file, F_GETFD) != -1) _exit(4);
}

/* Closes its standard error, and has a file of its own there. Then the trace cannot be written any more. */
static void file_as_standard_error(void)
{
    INITIALIZE();
    close(2);
    own_file(words[0], -1);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {700, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &limit);
    call(5);
}

static int lines_of(const char *file, const char *part)
{
    char line[4096];
    int found = 0;
    FILE *lines = fopen(file, "r");
    while (fgets(line, sizeof line, lines)) found += strstr(line, part) != NULL;
    fclose(lines);
    return found;
}

static int open_files(void)
{
    int open = 0;
    for (int file = 0; file < 1024; file++) open += fcntl(file, F_GETFD) != -1;
    return open;
}

static void cycle(const char *path, int finalize)
{
    load(path);
    if (INITIALIZE()) exit(5);
    call(3);
    if (finalize) FINALIZE();
    dlclose(module);
}

/* Loads and unloads again and again, with few descriptors. */
static void cycles(const char *path)
{
    struct rlimit limit = {256, 256};
    setrlimit(RLIMIT_NOFILE, &limit);
    int times = atoi(words[0]), finalize = atoi(words[1]);
    /* What the C library and the driver keep for good comes first. */
    for (int i = 0; i < 20; i++) cycle(path, finalize);
    int files = open_files();
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < times; i++) cycle(path, finalize);
    size_t after = mallinfo2().uordblks;
    printf("descriptors more: %d, threads: %d, modules: %d\n", open_files() - files,
           lines_of("/proc/self/status", "Threads:\t1\n"), lines_of("/proc/self/maps", words[2]));
    fprintf(stderr, "bytes more: %ld\n", (long)(after - before));
}

static void goes_away(void *at)
{
    puts("cleanup handler");
    fflush(stdout);
}

static void *waits(void *how)
{
    U slot;
    pthread_setcanceltype(how ? PTHREAD_CANCEL_ASYNCHRONOUS : PTHREAD_CANCEL_DEFERRED, NULL);
    pthread_cleanup_push(goes_away, NULL);
    WAIT_FOR_SLOT_EVENT(0, &slot);
    pthread_cleanup_pop(0);
    return NULL;
}

/* A thread that waits for a token is cancelled. */
static void cancels_a_wait(void)
{
    INITIALIZE();
    for (long how = 0; how < 2; how++) {
        pthread_t thread;
        void *ended;
        pthread_create(&thread, NULL, waits, (void *)how);
        usleep(200000);
        pthread_cancel(thread);
        pthread_join(thread, &ended);
        printf("cancelled: %d\n", ended == PTHREAD_CANCELED);
        call(1);
    }
    FINALIZE();
}

static void *calls(void *at)
{
    pthread_setcanceltype(at ? PTHREAD_CANCEL_ASYNCHRONOUS : PTHREAD_CANCEL_DEFERRED, NULL);
    for (;;) {
        char here[512];
        GET_INFO(here);
        pthread_testcancel();
    }
    return NULL;
}

/* Threads that make short calls are cancelled wherever they are. */
static void cancels_short_calls(void)
{
    INITIALIZE();
    for (long i = 0; i < 400; i++) {
        pthread_t thread;
        void *ended;
        pthread_create(&thread, NULL, calls, (void *)(i % 2));
        usleep(50 + i * 3);
        pthread_cancel(thread);
        pthread_join(thread, &ended);
        if (ended != PTHREAD_CANCELED) exit(6);
        call(1);
    }
    FINALIZE();
}

static sigjmp_buf back;
static void jump(int signal) { siglongjmp(back, 1); }

/* A time limit for a driver that does not come back. */
static void jumps_out(void)
{
    U slot;
    INITIALIZE();
    signal(SIGALRM, jump);
    for (int i = 0; i < 3; i++) {
        if (sigsetjmp(back, 1) == 0) {
            ualarm(100000, 0);
            WAIT_FOR_SLOT_EVENT(0, &slot);
        }
        puts("jumped");
        call(1);
    }
    FINALIZE();
}

/* The same with a driver that does not come to start, and again. */
static void starts_again(void)
{
    signal(SIGALRM, jump);
    if (sigsetjmp(back, 1) == 0) {
        ualarm(100000, 0);
        INITIALIZE();
    }
    printf("C_Initialize %#lx\n", INITIALIZE());
    call(1);
}

static U ends_the_thread(U session, U event, void *at) { pthread_exit((void *)7); }

static void *opens(void *at)
{
    U session;
    OPEN_SESSION(0, 4, NULL, (void *)ends_the_thread, &session);
    return NULL;
}

/* A callback that ends its thread. */
static void exits_in_a_callback(void)
{
    pthread_t thread;
    void *ended;
    INITIALIZE();
    pthread_create(&thread, NULL, opens, NULL);
    pthread_join(thread, &ended);
    printf("ended with %ld\n", (long)ended);
    call(1);
    FINALIZE();
}

static void keeps_errno(void)
{
    U count = 0, slot = 0;
    INITIALIZE();
    errno = 4711;
    GET_INFO(info);
    printf("errno %d\n", errno);
    errno = 4712;
    GET_SLOT_LIST(0, NULL, &count);
    printf("errno %d\n", errno);
    errno = 4713;
    WAIT_FOR_SLOT_EVENT(1, &slot);
    printf("errno %d\n", errno);
}

/* The largest file that it may write is smaller than the trace, for a while. */
static void file_size_limit(void)
{
    struct rlimit limit;
    INITIALIZE();
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 1000;
    setrlimit(RLIMIT_FSIZE, &limit);
    call(5);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
    call(2);
    puts("goes on");
}

static int is_waiting(int signal)
{
    sigset_t set;
    sigpending(&set);
    return sigismember(&set, signal);
}

/* The signals that a write can raise belong to the host: blocked or not, waiting or not. */
static void keeps_its_signals(void)
{
    sigset_t set, mask;
    struct rlimit limit = {10, RLIM_INFINITY};
    INITIALIZE();
    sigemptyset(&set), sigaddset(&set, SIGXFSZ), sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    setrlimit(RLIMIT_FSIZE, &limit);
    call(2);
    printf("waiting: %d %d\n", is_waiting(SIGXFSZ), is_waiting(SIGPIPE));
    raise(SIGXFSZ), raise(SIGPIPE);
    call(2);
    printf("waiting: %d %d\n", is_waiting(SIGXFSZ), is_waiting(SIGPIPE));
    signal(SIGXFSZ, SIG_IGN), signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    call(2);
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    printf("blocked: %d %d\n", sigismember(&mask, SIGXFSZ), sigismember(&mask, SIGPIPE));
}

/* Its rights are not those of whoever started it, as far as the C library and the loader can tell a module. */
static void set_uid(const char *path, char **environment)
{
    while (*environment) environment++;
    for (Elf64_auxv_t *at = (void *)(environment + 1); at->a_type; at++)
        if (at->a_type == AT_SECURE) at->a_un.a_val = 1;
    printf("AT_SECURE %lu\n", getauxval(AT_SECURE));
    load(path);
    INITIALIZE();
    call(1);
}

/* Pointers to nowhere, with a session that the driver refuses first. */
static void wild_pointers(void)
{
    void *wild[] = {(void *)0x10, (void *)-4096L, (void *)0x4141414141414141};
    INITIALIZE();
    for (int i = 0; i < 3; i++) {
        void *at = wild[i];
        U rvs[] = {
            CREATE_OBJECT(99, at, 3, at), GET_ATTRIBUTES(99, 1, at, 3), FIND_INIT(99, at, 2),
            FIND(99, at, 5, at), SIGN_INIT(99, at, 1), LOGIN(99, 1, at, 8), GET_TOKEN_INFO(99, at),
            OPEN_SESSION(99, 4, NULL, NULL, at), INIT_TOKEN(99, at, 8, at),
        };
        for (unsigned k = 0; k < sizeof rvs / sizeof *rvs; k++) printf("%#lx ", rvs[k]);
        struct attribute inside = {3, at, 16};
        printf("%#lx %#lx\n", CREATE_OBJECT(99, &inside, 1, at), GET_ATTRIBUTES(99, 1, &inside, 1));
    }
    call(1);
}

static void *waits_for_ever(void *at)
{
    U slot;
    WAIT_FOR_SLOT_EVENT(0, &slot);
    return NULL;
}

static void end(void)
{
    printf("at the end %#lx %#lx\n", GET_INFO(info), FINALIZE());
}

/* Ends while one of its threads is in the driver, and has more to ask of it on its way out. */
static void ends_in_the_middle(void)
{
    pthread_t thread;
    INITIALIZE();
    pthread_create(&thread, NULL, waits_for_ever, NULL);
    usleep(100000);
    ((void (*)(void (*)(void)))dlsym(dlopen("./late.so", RTLD_NOW), "at_the_end"))(end);
}

/* Forbids the system call by which the trace reads what may not be there. */
static void sandbox(void)
{
    struct sock_filter filter[] = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_process_vm_readv},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    struct sock_fprog program = {4, filter};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) exit(7);
    INITIALIZE();
    call(2);
    FINALIZE();
}

/* Does not examine what C_GetFunctionList returns. */
static void careless(void)
{
    printf("C_Initialize %#lx\n", INITIALIZE());
    call(1);
}

/* The same by the way of v3. */
static void careless_with_interfaces(void)
{
    struct { char *name; struct list *list; U flags; } *interface;
    U count = 77;
    U rv = ((U(*)(void *, U *))dlsym(module, "C_GetInterfaceList"))(NULL, &count);
    printf("C_GetInterfaceList %#lx %lu\n", rv, count);
    rv = ((U(*)(char *, void *, void *, U))dlsym(module, "C_GetInterface"))(NULL, NULL, &interface, 0);
    F = interface->list;
    printf("C_GetInterface %#lx %s\n", rv, interface->name);
    careless();
}

/* Asks for the functions again and again, and uses each list and the symbols. */
static void many_lists(void)
{
    int times = atoi(words[0]), different = 0;
    struct list *all[64];
    for (int i = 0; i < times; i++) {
        U rv = get_list(&all[i]);
        if (rv) printf("list %d: %#lx\n", i, rv);
        int again = 0;
        for (int k = 0; k < i; k++) again |= all[k] == all[i];
        different += !again;
    }
    fprintf(stderr, "different %d\n", different);
    INITIALIZE();
    for (int i = 0; i < times; i++) {
        F = all[i];
        printf("%#lx ", GET_INFO(info));
    }
    U (*symbol)(void *) = (U(*)(void *))dlsym(module, "C_GetInfo");
    fprintf(stderr, "\nby its symbol %#lx\n", symbol ? symbol(info) : 0);
}

#define SECRET "PIN=648219-SECRET"

/* Asks for values into buffers where something else stood: what the driver does not write is nobody's business. */
static void stale_buffers(void)
{
    INITIALIZE();
    for (int i = 0; i < 2; i++) {
        static char exponent[64], id[64], label[64], class[8];
        if (i == 0) strcpy(exponent, SECRET), strcpy(id, SECRET), strcpy(label, SECRET), memcpy(class, "64821900", 8);
        struct attribute asked[] = {{0x123, exponent, 64}, {0x102, id, 17}, {3, label, 17}, {0, class, 8}, {0x11, label, 17}};
        printf("%#lx\n", GET_ATTRIBUTES(1, 1, asked, 5));
    }
}

static void stale_structures(void)
{
    struct token_info token;
    INITIALIZE();
    for (unsigned i = 0; i + sizeof SECRET < sizeof info; i += sizeof SECRET) strcpy(info + i, SECRET);
    for (char *at = (char *)&token; at + sizeof SECRET < (char *)(&token + 1); at += sizeof SECRET) strcpy(at, SECRET);
    memset(token.label, 0, sizeof token.label);
    printf("%#lx %#lx\n", GET_INFO(info), GET_TOKEN_INFO(1, &token));
}

/* Labels with something behind them: after the NUL of a C string, and by a length that is too great. */
static void gives_too_much(void)
{
    char label[32] = "a short label\0" SECRET, long_label[64] = "a short label\0" SECRET;
    U class = 0, object = 0;
    struct attribute template[] = {{0, &class, sizeof class}, {3, long_label, sizeof long_label}, {0x11, SECRET, 17}};
    INITIALIZE();
    printf("%#lx %#lx\n", INIT_TOKEN(1, "so-pin", 6, label), CREATE_OBJECT(1, template, 3, &object));
}

/* Each list that it is given is initialised, used and finalised, then the symbols are tried too. */
static void asks_often(void)
{
    struct list *all[64];
    for (int i = 0; i < atoi(words[0]); i++) {
        U rv = get_list(&all[i]);
        F = all[i];
        printf("%#lx ", rv);
        printf("%#lx %#lx\n", INITIALIZE(), GET_INFO(info));
    }
    for (int i = 0; i < atoi(words[0]); i++) {
        F = all[i];
        printf("%#lx ", FINALIZE());
    }
}

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return at.tv_sec * 1e6 + at.tv_nsec / 1e3;
}

/* What a call costs, in microseconds of the processor: the least of ten means, on a token with a P-256 key and its PIN in
 * words[0]. */
static void costs(void)
{
    static struct { const char *name; double least; } kinds[] = {
        {"C_GetTokenInfo", 1e9}, {"C_GetAttributeValue", 1e9}, {"C_FindObjectsInit, …, Final", 1e9}, {"C_SignInit, C_Sign", 1e9},
    };
    U slots[16], count = 16, session = 0, key = 0, class = 3, found = 0;
    struct { U type; void *parameter; U length; } ecdsa = {0x1041, NULL, 0};
    struct attribute private[] = {{0, &class, sizeof class}};
    struct token_info token;
    INITIALIZE();
    GET_SLOT_LIST(1, slots, &count);
    OPEN_SESSION(slots[0], 4, NULL, NULL, &session);
    if (LOGIN(session, 1, words[0], strlen(words[0]))) exit(8);
    FIND_INIT(session, private, 1), FIND(session, &key, 1, &found), FIND_FINAL(session);
    if (found != 1) exit(9);
    for (int round = 0; round < 10; round++) {
        for (int kind = 0; kind < 4; kind++) {
            double begin = now();
            for (int i = 0; i < 500; i++) {
                char id[64], label[64], digest[32] = {i}, signature[64];
                U length = sizeof signature;
                struct attribute asked[] = {{0x102, id, 64}, {3, label, 64}};
                if (kind == 0) GET_TOKEN_INFO(slots[0], &token);
                if (kind == 1) GET_ATTRIBUTES(session, key, asked, 2);
                if (kind == 2) FIND_INIT(session, private, 1), FIND(session, &key, 1, &found), FIND_FINAL(session);
                if (kind == 3 && (SIGN_INIT(session, &ecdsa, key) || SIGN(session, digest, 32, signature, &length))) exit(10);
            }
            double mean = (now() - begin) / 500;
            if (mean < kinds[kind].least) kinds[kind].least = mean;
        }
    }
    for (int kind = 0; kind < 4; kind++) printf("%s\t%.2f\n", kinds[kind].name, kinds[kind].least);
}

/* The first call of all comes from a thread with a small stack. */
static char *small_path;
static void *first_call(void *at)
{
    load(small_path);
    INITIALIZE();
    call(1);
    return NULL;
}

static void small_stack(char *path)
{
    pthread_attr_t attributes;
    pthread_t thread;
    small_path = path;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, atoi(words[0]));
    pthread_create(&thread, &attributes, first_call, NULL);
    pthread_join(thread, NULL);
    puts("called");
}

int main(int count, char **arguments, char **environment)
{
    const char *scene = arguments[1];
    char *path = arguments[2];
    words = arguments + 3;
    if (!strcmp(scene, "cycles")) return cycles(path), 0;
    if (!strcmp(scene, "set_uid")) return set_uid(path, environment), 0;
    if (!strcmp(scene, "small_stack")) return small_stack(path), 0;
    if (!strcmp(scene, "without_standard_files")) close(0), close(1), close(2);
    load(path);
#define SCENE(name) if (!strcmp(scene, #name)) return name(), 0;
    SCENE(closes_all) SCENE(takes_the_number) SCENE(without_standard_files) SCENE(file_as_standard_error)
    SCENE(cancels_a_wait) SCENE(cancels_short_calls) SCENE(jumps_out) SCENE(exits_in_a_callback)
    SCENE(keeps_errno) SCENE(file_size_limit) SCENE(keeps_its_signals) SCENE(wild_pointers)
    SCENE(ends_in_the_middle) SCENE(sandbox) SCENE(careless) SCENE(many_lists)
    SCENE(stale_buffers) SCENE(stale_structures) SCENE(gives_too_much) SCENE(asks_often)
    SCENE(careless_with_interfaces) SCENE(costs) SCENE(starts_again)
    fprintf(stderr, "no scene %s\n", scene);
    return 1;
}
