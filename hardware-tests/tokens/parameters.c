/* NSS's softokn as a plain module: it is told where its files are by a string that other drivers do not know, in a structure
 * of its own (CK_C_INITIALIZE_ARGS with LibraryParameters before pReserved). DRIVER names it, PARAMETERS is the string. */

#include <dlfcn.h>
#include <stdlib.h>

typedef unsigned long U;
struct arguments { void *mutex[4]; U flags; const char *parameters; void *reserved; };
struct list { unsigned char version[2]; U (*function[68])(); };

static struct list *real, with_parameters;

static U initialize(struct arguments *given)
{
    struct arguments all = { .flags = given ? given->flags : 0, .parameters = getenv("PARAMETERS") };
    return real->function[0](&all);
}

U C_GetFunctionList(struct list **list)
{
    if (!real) {
        void *library = dlopen(getenv("DRIVER"), RTLD_NOW | RTLD_LOCAL);
        U (*get)(struct list **) = library ? (U (*)(struct list **))dlsym(library, "C_GetFunctionList") : 0;
        if (!get || get(&real)) return 5;
        with_parameters = *real;
        with_parameters.function[0] = initialize, with_parameters.function[3] = C_GetFunctionList;
    }
    return *list = &with_parameters, 0;
}
