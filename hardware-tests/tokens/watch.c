/* Counts the certificates of a token: at once, and again in three ways when a line comes on standard input.
 *
 *     watch MODULE SERIAL
 */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <string.h>

static CK_FUNCTION_LIST_PTR driver;
static CK_SESSION_HANDLE session;

static void open_session(const char *serial)
{
    CK_SLOT_ID slots[64];
    CK_ULONG count = 64;
    CK_TOKEN_INFO info;
    driver->C_GetSlotList(CK_TRUE, slots, &count);
    for (CK_ULONG i = 0; i < count; i++)
        if (driver->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
            !strncmp((char *)info.serialNumber, serial, strlen(serial)))
            driver->C_OpenSession(slots[i], CKF_SERIAL_SESSION, NULL, NULL, &session);
}

static void look(const char *when)
{
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_ATTRIBUTE wanted = {CKA_CLASS, &class, sizeof class};
    CK_OBJECT_HANDLE objects[64];
    CK_ULONG count = 0;
    if (driver->C_FindObjectsInit(session, &wanted, 1) == CKR_OK) {
        driver->C_FindObjects(session, objects, 64, &count);
        driver->C_FindObjectsFinal(session);
    }
    printf("%s: %lu\n", when, count);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    void *library = argc == 3 ? dlopen(argv[1], RTLD_NOW) : NULL;
    CK_C_GetFunctionList list = library ? (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList") : NULL;
    if (!list || list(&driver) != CKR_OK || driver->C_Initialize(NULL) != CKR_OK)
        return 1;
    open_session(argv[2]);
    look("before");
    getchar();
    look("in the same session");
    driver->C_CloseSession(session);
    open_session(argv[2]);
    look("in a new session");
    driver->C_Finalize(NULL);
    driver->C_Initialize(NULL);
    open_session(argv[2]);
    look("after C_Initialize");
    driver->C_Finalize(NULL);
    return 0;
}
