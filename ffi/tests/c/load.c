/* Loads and unloads the library fifty times, as plug-in hosts do: load LIBRARY MODULE URI PIN CA-COMMAND */
#include <dlfcn.h>

#include "check.h"

static void load(const char *path, char **arguments)
{
    for (int round = 0; round < 50; round++) {
        void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        CHECK(library != NULL);
        usbtoken_status (*context_new)(const usbtoken_options *, usbtoken_context **) = NULL;
        usbtoken_status (*add_driver)(const usbtoken_context *, const char *, size_t) = NULL;
        usbtoken_status (*find)(const usbtoken_context *, const char *, size_t, usbtoken_token **) = NULL;
        void (*token_free)(usbtoken_token **) = NULL;
        void (*context_free)(usbtoken_context **) = NULL;
        *(void **)&context_new = dlsym(library, "usbtoken_context_new");
        *(void **)&add_driver = dlsym(library, "usbtoken_context_add_driver");
        *(void **)&find = dlsym(library, "usbtoken_find");
        *(void **)&token_free = dlsym(library, "usbtoken_token_free");
        *(void **)&context_free = dlsym(library, "usbtoken_context_free");
        CHECK(context_new && add_driver && find && token_free && context_free);
        usbtoken_context *context = NULL;
        usbtoken_token *token = NULL;
        CHECK(context_new(NULL, &context) == USBTOKEN_OK);
        CHECK(add_driver(context, arguments[1], NUL) == USBTOKEN_OK);
        CHECK(find(context, arguments[2], NUL, &token) == USBTOKEN_OK);
        token_free(&token);
        context_free(&context);
        CHECK(dlclose(library) == 0);
    }
}

int main(int count, char **given)
{
    CHECK(count == 6);
    load(given[1], given + 1);
    return 0;
}
