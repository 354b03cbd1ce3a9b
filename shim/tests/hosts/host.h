/* PKCS#11 as an application in C has it, as far as these hosts go. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

typedef unsigned long U;
struct list { unsigned char major, minor; void *functions[104]; };
struct attribute { U type; void *value; U length; };
struct token_info { char label[32], manufacturer[32], model[16], serial[16]; U numbers[11]; char rest[32]; };

static void *module;
static struct list *F;

#define FN(place, ...) ((U(*)(__VA_ARGS__))F->functions[place])
#define INITIALIZE() FN(0, void *)(NULL)
#define FINALIZE() FN(1, void *)(NULL)
#define GET_INFO(at) FN(2, void *)(at)
#define GET_SLOT_LIST(present, slots, count) FN(4, unsigned char, void *, U *)(present, slots, count)
#define GET_TOKEN_INFO(slot, at) FN(6, U, void *)(slot, at)
#define INIT_TOKEN(slot, pin, length, label) FN(9, U, char *, U, char *)(slot, pin, length, label)
#define OPEN_SESSION(slot, flags, app, notify, at) FN(12, U, U, void *, void *, U *)(slot, flags, app, notify, at)
#define LOGIN(session, user, pin, length) FN(18, U, U, void *, U)(session, user, pin, length)
#define CREATE_OBJECT(session, template, count, at) FN(20, U, void *, U, void *)(session, template, count, at)
#define GET_ATTRIBUTES(session, object, template, count) FN(24, U, U, void *, U)(session, object, template, count)
#define FIND_INIT(session, template, count) FN(26, U, void *, U)(session, template, count)
#define FIND(session, at, room, count) FN(27, U, void *, U, void *)(session, at, room, count)
#define FIND_FINAL(session) FN(28, U)(session)
#define SIGN(session, data, length, signature, size) FN(43, U, void *, U, void *, U *)(session, data, length, signature, size)
#define SIGN_INIT(session, mechanism, key) FN(42, U, void *, U)(session, mechanism, key)
#define WAIT_FOR_SLOT_EVENT(flags, at) FN(67, U, U *, void *)(flags, at, NULL)

static U get_list(struct list **list)
{
    U (*get)(struct list **) = (U(*)(struct list **))dlsym(module, "C_GetFunctionList");
    return get(list);
}

/* As careless applications do: the return value is printed, and then forgotten. */
static void load(const char *path)
{
    module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!module) { fprintf(stderr, "%s\n", dlerror()); exit(2); }
    U rv = get_list(&F);
    if (rv) printf("C_GetFunctionList %#lx\n", rv);
}
