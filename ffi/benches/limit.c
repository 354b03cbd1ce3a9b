/*
 * The least that a careful program has to do for a renewal with P-256, to measure the library against:
 *   limit MODULE LABEL PIN CA-COMMAND SUBJECT
 *
 * Finds the token by its label, logs in, makes a key pair that cannot leave the token and checks that it cannot, signs the
 * request, asks the CA, writes the certificate, reads it back, lets the new key sign once. 17 calls of PKCS#11, one
 * login. It examines no old certificate, knows no error but "no", leaves what it began when it stops, and knows one kind
 * of key and one driver's habits: it is a measure, not an example. SUBJECT is the name in DER, in hexadecimal.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned char byte;
typedef unsigned long ulong;

/* As PKCS#11 v2.40 lays them out where structs are not packed, which is everywhere but on Windows. */
struct attribute { ulong type; void *value; ulong size; };
struct mechanism { ulong type; void *parameter; ulong size; };
struct functions { byte version[2]; ulong (*call[68])(); };
enum { INITIALIZE = 0, FINALIZE = 1, GET_SLOT_LIST = 4, GET_TOKEN_INFO = 6, OPEN_SESSION = 12, LOGIN = 18,
       CREATE_OBJECT = 20, GET_ATTRIBUTE_VALUE = 24, SIGN_INIT = 42, SIGN = 43, GENERATE_KEY_PAIR = 59 };
enum { CLASS = 0x0, TOKEN = 0x1, PRIVATE = 0x2, LABEL = 0x3, VALUE = 0x11, CERTIFICATE_TYPE = 0x80, ISSUER = 0x81,
       SERIAL_NUMBER = 0x82, SENSITIVE = 0x103, ID = 0x102, SUBJECT = 0x101, SIGN_WITH = 0x108, VERIFY_WITH = 0x10a,
       EXTRACTABLE = 0x162, LOCAL = 0x163, NEVER_EXTRACTABLE = 0x164, ALWAYS_SENSITIVE = 0x165, EC_PARAMS = 0x180,
       EC_POINT = 0x181 };

static struct functions *pkcs11;
static void *libcrypto;

static void must(int condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "limit: %s\n", what);
        exit(1);
    }
}

#define CALL(which, ...) must(((ulong (*)())pkcs11->call[which])(__VA_ARGS__) == 0, #which)

/* Puts a tag and a length before what stands at `at`; there is room for four bytes. Returns where it begins now. */
static byte *wrapped(byte tag, byte *at, size_t *size)
{
    byte *start = at;
    if (*size >= 256)
        *--start = (byte)*size, *--start = (byte)(*size >> 8), *--start = 0x82;
    else if (*size >= 128)
        *--start = (byte)*size, *--start = 0x81;
    else
        *--start = (byte)*size;
    *--start = tag;
    *size += (size_t)(at - start);
    return start;
}

/* The next element: where its content begins and where it ends. */
static const byte *element(const byte *at, const byte **end)
{
    size_t size = at[1], octets = 0;
    if (size & 0x80)
        for (octets = size & 0x7f, size = 0; octets > 0 && size < 0x10000; octets--)
            size = size << 8 | at[2 + (at[1] & 0x7f) - octets];
    const byte *content = at + 2 + (at[1] & 0x80 ? at[1] & 0x7f : 0);
    *end = content + size;
    return content;
}

static const byte SPKI_HEAD[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                  0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };
static const byte ECDSA_SHA256[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
static const byte P256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static byte spki[sizeof SPKI_HEAD + 65];

static void *crypto(const char *name)
{
    void *found = dlsym(libcrypto, name);
    must(found != NULL, name);
    return found;
}

/* Signs on the token, verifies here; the signature in DER is written before `end`. Returns where it begins. */
static byte *sign(ulong session, ulong key, const byte *message, size_t size, byte *end, size_t *signature_size)
{
    byte hash[32], raw[64];
    ulong length = sizeof raw;
    struct mechanism ecdsa = { 0x1041, NULL, 0 };
    ((byte *(*)())crypto("SHA256"))(message, size, hash);
    CALL(SIGN_INIT, session, &ecdsa, key);
    CALL(SIGN, session, hash, (ulong)sizeof hash, raw, &length);
    must(length == sizeof raw, "the signature has another size");

    byte *start = end;
    size_t whole = 0;
    for (int part = 1; part >= 0; part--) {
        const byte *number = raw + 32 * part;
        size_t left = 32;
        while (left > 1 && number[0] == 0)
            number++, left--;
        start -= left;
        memcpy(start, number, left);
        if (number[0] & 0x80)
            *--start = 0, left++;
        start = wrapped(0x02, start, &left);
        whole += left;
    }
    start = wrapped(0x30, start, &whole);
    *signature_size = whole;

    const byte *key_at = spki;
    void *public_key = ((void *(*)())crypto("d2i_PUBKEY"))(NULL, &key_at, (long)sizeof spki);
    void *context = ((void *(*)())crypto("EVP_PKEY_CTX_new"))(public_key, NULL);
    must(((int (*)())crypto("EVP_PKEY_verify_init"))(context) == 1, "EVP_PKEY_verify_init");
    int verified = ((int (*)())crypto("EVP_PKEY_verify"))(context, start, whole, hash, sizeof hash);
    must(verified == 1, "the signature does not verify");
    ((void (*)())crypto("EVP_PKEY_CTX_free"))(context);
    ((void (*)())crypto("EVP_PKEY_free"))(public_key);
    return start;
}

static ulong find(const char *label)
{
    ulong slots[16], count = 16, found = 0, matching = 0;
    byte info[512]; /* CK_TOKEN_INFO has 208 bytes */
    CALL(GET_SLOT_LIST, (byte)1, slots, &count);
    for (ulong at = 0; at < count; at++) {
        CALL(GET_TOKEN_INFO, slots[at], info);
        size_t length = strlen(label);
        if (memcmp(info, label, length) == 0 && (length == 32 || info[length] == ' '))
            found = slots[at], matching++;
    }
    must(matching == 1, "not exactly one token has this label");
    return found;
}

static void generate(ulong session, ulong *private_key, const byte *id, size_t id_size)
{
    byte yes = 1, no = 0, point[67], flags[4] = { 0, 1, 0, 0 };
    ulong public_key = 0;
    struct mechanism ec = { 0x1040, NULL, 0 };
    struct attribute of_public[] = { { TOKEN, &yes, 1 }, { VERIFY_WITH, &yes, 1 }, { EC_PARAMS, (void *)P256, sizeof P256 },
                                     { ID, (void *)id, id_size } };
    struct attribute of_private[] = { { TOKEN, &yes, 1 }, { PRIVATE, &yes, 1 }, { SENSITIVE, &yes, 1 },
                                      { EXTRACTABLE, &no, 1 }, { SIGN_WITH, &yes, 1 }, { ID, (void *)id, id_size } };
    CALL(GENERATE_KEY_PAIR, session, &ec, of_public, 4ul, of_private, 6ul, &public_key, private_key);

    struct attribute read_point = { EC_POINT, point, sizeof point };
    CALL(GET_ATTRIBUTE_VALUE, session, public_key, &read_point, 1ul);
    must(read_point.size == 67 && point[0] == 0x04 && point[1] == 65, "the public key has another form");
    memcpy(spki, SPKI_HEAD, sizeof SPKI_HEAD);
    memcpy(spki + sizeof SPKI_HEAD, point + 2, 65);

    struct attribute read_flags[] = { { SENSITIVE, flags, 1 }, { EXTRACTABLE, flags + 1, 1 }, { LOCAL, flags + 2, 1 },
                                      { NEVER_EXTRACTABLE, flags + 3, 1 } };
    CALL(GET_ATTRIBUTE_VALUE, session, *private_key, read_flags, 4ul);
    must(flags[0] == 1 && flags[1] == 0 && flags[2] == 1 && flags[3] == 1, "the key could leave the token");
}

/* The request in DER, written before `end`. Returns where it begins. */
static byte *request(ulong session, ulong key, const byte *subject, size_t subject_size, byte *end, size_t *size)
{
    static byte info_room[2048], signature_room[128];
    byte *at = info_room + sizeof info_room;
    size_t info_size = 2 + sizeof spki + subject_size + 3, signature_size = 0;
    *--at = 0x00, *--at = 0xa0; /* no attributes */
    at -= sizeof spki, memcpy(at, spki, sizeof spki);
    at -= subject_size, memcpy(at, subject, subject_size);
    *--at = 0x00, *--at = 0x01, *--at = 0x02; /* version 0 */
    at = wrapped(0x30, at, &info_size);
    byte *signature = sign(session, key, at, info_size, signature_room + sizeof signature_room, &signature_size);
    *--signature = 0x00, signature_size++; /* no unused bits */
    signature = wrapped(0x03, signature, &signature_size);

    *size = info_size + sizeof ECDSA_SHA256 + signature_size;
    end -= signature_size, memcpy(end, signature, signature_size);
    end -= sizeof ECDSA_SHA256, memcpy(end, ECDSA_SHA256, sizeof ECDSA_SHA256);
    end -= info_size, memcpy(end, at, info_size);
    return wrapped(0x30, end, size);
}

static size_t ask(const char *command, const byte *bytes, size_t size, byte *answer, size_t room)
{
    char line[4096];
    FILE *file = fopen("limit-request.der", "wb");
    must(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0, "the request cannot be written");
    must((size_t)snprintf(line, sizeof line, "%s < limit-request.der", command) < sizeof line, "a long command");
    FILE *pipe = popen(line, "r");
    must(pipe != NULL, "the command cannot be started");
    size_t got = fread(answer, 1, room, pipe);
    must(pclose(pipe) == 0 && got > 200, "the command failed");
    remove("limit-request.der");
    return got;
}

static void install(ulong session, byte *certificate, size_t size, const byte *id, size_t id_size)
{
    byte yes = 1, no = 0, back[4096];
    ulong class = 1, x509 = 0, object = 0;
    const byte *end = NULL, *serial = NULL, *issuer = NULL, *subject = NULL, *key = NULL;
    const byte *at = element(certificate, &end);
    must(size < sizeof back && end == certificate + size, "the answer is no certificate");
    at = element(at, &end);                             /* tbsCertificate */
    element(at, &end), serial = end;                    /* version */
    element(serial, &end), at = end;                    /* signature */
    element(at, &end), issuer = end, at = end;
    element(at, &end), at = end;                        /* validity */
    element(at, &end), subject = end;
    element(subject, &end), key = end;
    element(key, &end);
    must(end - key == (long)sizeof spki && memcmp(key, spki, sizeof spki) == 0, "it is another key's certificate");
    const byte *serial_end, *issuer_end, *subject_end;
    element(serial, &serial_end), element(issuer, &issuer_end), element(subject, &subject_end);
    struct attribute template[] = {
        { CLASS, &class, sizeof class }, { CERTIFICATE_TYPE, &x509, sizeof x509 }, { TOKEN, &yes, 1 },
        { PRIVATE, &no, 1 }, { ID, (void *)id, id_size }, { LABEL, (void *)"limit", 5 },
        { SUBJECT, (void *)subject, (ulong)(subject_end - subject) },
        { ISSUER, (void *)issuer, (ulong)(issuer_end - issuer) },
        { SERIAL_NUMBER, (void *)serial, (ulong)(serial_end - serial) }, { VALUE, certificate, size },
    };
    CALL(CREATE_OBJECT, session, template, sizeof template / sizeof *template, &object);
    struct attribute value = { VALUE, back, sizeof back };
    CALL(GET_ATTRIBUTE_VALUE, session, object, &value, 1ul);
    must(value.size == size && memcmp(back, certificate, size) == 0, "the certificate was not written well");
}

int main(int count, char **arguments)
{
    static byte subject[1024], room[4096], answer[8192];
    must(count == 6, "usage: limit MODULE LABEL PIN CA-COMMAND SUBJECT");
    size_t subject_size = strlen(arguments[5]) / 2, size = 0;
    for (size_t at = 0; at < subject_size && at < sizeof subject; at++)
        must(sscanf(arguments[5] + 2 * at, "%2hhx", &subject[at]) == 1, "SUBJECT is not hexadecimal");

    void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    must(library != NULL, "the module cannot be loaded");
    libcrypto = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
    must(libcrypto != NULL, "libcrypto.so.3 cannot be loaded");
    ulong (*get_function_list)() = NULL;
    *(void **)&get_function_list = dlsym(library, "C_GetFunctionList");
    must(get_function_list != NULL && get_function_list(&pkcs11) == 0, "C_GetFunctionList");

    ulong session = 0, key = 0;
    byte id[] = "limit", challenge[32] = { 1, 2, 3 };
    CALL(INITIALIZE, NULL);
    CALL(OPEN_SESSION, find(arguments[2]), 6ul, NULL, NULL, &session); /* serial, read and write */
    CALL(LOGIN, session, 1ul, arguments[3], (ulong)strlen(arguments[3]));
    generate(session, &key, id, 5);
    byte *csr = request(session, key, subject, subject_size, room + sizeof room, &size);
    size = ask(arguments[4], csr, size, answer, sizeof answer);
    install(session, answer, size, id, 5);
    sign(session, key, challenge, sizeof challenge, room + sizeof room, &size);
    CALL(FINALIZE, NULL);
    return 0;
}
