/* A driver in front of the one that ODD_DRIVER names, which behaves as drivers in the world do. ODD is a list of words and
 * numbers, `word=number,word`; what each does stands beside its use. */

#include "odd.h"

/* `closes-at`: at the call that begins so (init, login, pair, sign, create, finalize) every descriptor from `closes-from` (3) to
 * `closes-to` (the last) is closed. `own-file`: then a file of its own has the number of a stream. */
static void close_at(const char *call)
{
    const char *at = word("closes-at");
    U first = word("closes-from") ? number("closes-from") : 3;
    U last = word("closes-to") ? number("closes-to") : ~0U;
    if (!at || strncmp(at, call, 4)) return;
    syscall(SYS_close_range, first, last, 0);
    if (word("own-file")) open("/dev/null", O_WRONLY), open("/dev/null", O_WRONLY), open("/dev/null", O_WRONLY);
}

/* `reset-at`: after the login, before the call of this number that uses it, another program resets the card.
 * `state-refused`: then the state of the session is not told; `says-logged-in`: it is told as that of one who is logged in. */
static int resets;

static void reset(U session)
{
    static U uses;
    if (word("reset-at") && logins && ++uses == number("reset-at"))
        real->function[LOGOUT](session), resets++, note("reset");
}

static U session_info(U session, void *info)
{
    U rv = word("state-refused") && resets ? 0x101 : real->function[SESSION_INFO](session, info);
    if (word("says-logged-in") && !rv) ((U *)info)[1] = 3;
    return rv;
}

/* `starts-once`: a client of a network HSM. `untidy`: it prints, goes to another folder, and lets everybody write.
 * `without-arguments`: it takes none, and answers that. `plain-arguments`: it takes those without flags alone. `answers-start`: it starts, and
 * answers that once. `closes-descriptors`: those that it did not open. `other-environment`: not ours. */
static U initialize(void *arguments)
{
    if (word("without-arguments") && arguments) return answer("without-arguments", 7);
    if (word("plain-arguments") && (!arguments || ((U *)arguments)[4])) return arguments ? number("plain-arguments") : 7;
    if (word("answers-start") && !starts++) return real->function[INITIALIZE](arguments), number("answers-start");
    for (int i = 3; word("closes-descriptors") && i < 512; i++) close(i);
    if (word("closes-streams")) close(0), close(1), close(2);
    if (word("other-environment")) setenv("PATH", "/nowhere", 1), setenv("XDG_STATE_HOME", "/nowhere", 1), setenv("HOME", "/", 1);
    if (word("takes-signals")) signal(SIGCHLD, SIG_IGN), signal(SIGPIPE, SIG_DFL);
    if (word("untidy")) printf("driver: debug\n"), chdir("/"), umask(0);
    if (word("starts-once") && starts++) return 5;
    close_at("init");
    knows_thread = 1;
    return real->function[INITIALIZE](arguments);
}

/* `one-thread`: only the thread that has initialised it is known; another one is answered that. `busy`: the first session is refused so. */
static U open_session(U slot, U flags, void *application, void *notify, U *session)
{
    static int opened;
    if (word("one-thread") && !knows_thread) return answer("one-thread", 0x190);
    if (word("busy") && !opened++) return number("busy");
    /* `reads-only`: no session that writes. */
    if (word("reads-only") && flags & 2) return answer("reads-only", 0xe2);
    return real->function[OPEN_SESSION](slot, flags, application, notify, session);
}

static U finalize(void *nothing)
{
    U rv = real->function[FINALIZE](nothing);
    return close_at("finalize"), rv;
}

/* `present-none`: no slot has a token; `present-last`: only the last one; `present-refused`: that is not told. `slots-twice`: each is listed twice.
 * `many-slots`: so many empty ones before the real ones, and a list that is too long does not tell how long it is. */
static U slot_list(B present, U *slots, U *count)
{
    U extra = number("many-slots"), room = *count, own[64], owned = 64;
    if (present && word("present-none")) return *count = 0, 0;
    if (present && word("present-last")) {
        U rv = real->function[SLOT_LIST](present, own, &owned);
        if (!rv && slots && room > 0) *slots = own[owned - 1];
        return *count = 1, rv;
    }
    if (present && word("present-refused")) return number("present-refused");
    if (word("slots-twice")) {
        U rv = real->function[SLOT_LIST](present, own, &owned);
        *count = 2 * owned;
        if (rv || !slots) return rv;
        if (room < 2 * owned) return 0x150;
        for (U i = 0; i < 2 * owned; i++) slots[i] = own[i / 2];
        return 0;
    }
    if (!extra) return real->function[SLOT_LIST](present, slots, count);
    U rv = real->function[SLOT_LIST](present, own, &owned);
    if (rv) return rv;
    if (!slots) return *count = extra + owned, 0;
    if (room < extra + owned) return 0x150;
    for (U i = 0; i < extra + owned; i++) slots[i] = i < extra ? 0x7000 + i : own[i - extra];
    return *count = extra + owned, 0;
}

static U token_info(U slot, struct token_info *info)
{
    static B tail = 'a';
    U rv = slot >= 0x7000 && slot < 0x8000 ? 0xE0 : real->function[TOKEN_INFO](slot, info);
    if (rv) return rv;
    if (word("shortest-pin")) info->shortest_pin = number("shortest-pin");
    if (word("longest-pin")) info->longest_pin = number("longest-pin");
    /* `untold`: every number is this one. */
    for (int i = 0; word("untold") && i < 4; i++) info->sessions[i] = info->memory[i] = number("untold");
    if (word("untold")) info->longest_pin = info->shortest_pin = number("untold"), memset(info->time, 0xff, 16);
    if (word("label")) {
        memset(info->label, ' ', 32);
        for (U i = 0; i < 32 && sscanf(word("label") + 2 * i, "%2hhx", info->label + i) == 1;) i++;
    }
    /* `serial`: in hexadecimal. */
    if (word("serial")) {
        memset(info->serial, ' ', 16);
        for (U i = 0; i < 16 && sscanf(word("serial") + 2 * i, "%2hhx", info->serial + i) == 1;) i++;
    }
    /* `nul-behind`: every text is filled up with NUL. */
    B *texts[] = {info->label, info->manufacturer, info->model, info->serial};
    for (int i = 0; word("nul-behind") && i < 4; i++)
        for (int at = i < 2 ? 31 : 15; at >= 0 && texts[i][at] == ' '; at--) texts[i][at] = 0;
    info->flags = (info->flags & ~number("no-flags")) | number("flags");
    for (int i = 31; word("text-then-memory") && i > 0 && info->label[i] == ' '; i--)
        info->label[i] = info->label[i - 1] == ' ' ? tail++ : 0;
    for (U i = 0; word("maker") && i < 32; i++) info->manufacturer[i] = i < strcspn(word("maker"), ",") ? word("maker")[i] : ' ';
    if (word("latin-1")) memcpy(info->manufacturer, "M\xfcller    ", 10);
    return 0;
}

static U mechanism_info(U slot, U kind, struct mechanism_info *info)
{
    U rv = word("mechanism-info") ? number("mechanism-info") : real->function[MECHANISM_INFO](slot, kind, info);
    if (word("largest-key")) info->largest = number("largest-key");
    return rv;
}

/* `without-pss`: no RSASSA-PSS; `without-bare-rsa`: no CKM_RSA_X_509. */
static int left_out(U kind)
{
    if (word("lists-not") && kind == number("lists-not")) return 1;
    return (word("without-pss") && (kind == 0xd || kind == 0x43)) || (word("without-bare-rsa") && kind == 3);
}

/* It lists one mechanism more, and others not. */
static U mechanism_list(U slot, U *kinds, U *count)
{
    U all[600], found = 599, kept = 0, room = *count, rv = real->function[MECHANISM_LIST](slot, all, &found);
    if (rv) return rv;
    for (U i = 0; i < found; i++) if (!left_out(all[i])) all[kept++] = all[i];
    if (word("lists-too")) all[kept++] = number("lists-too");
    *count = kept;
    if (kinds && room < kept) return 0x150;
    if (kinds) memcpy(kinds, all, kept * sizeof *all);
    return 0;
}

/* `asks`: for each signature the PIN is wanted, and taken whatever it is, or answered with `asks-answers`. */
static U login(U session, U user, B *pin, U length)
{
    note(user == 2 ? "login for a signature" : pin ? "login with a PIN" : "login at the pad");
    logins++;
    close_at("login");
    if (user == 2 && word("asks")) return number("asks-answers");
    if (!pin && word("pad")) return number("pad");
    if (word("login")) return number("login");
    /* `login-answers`: after a login that worked. */
    U rv = real->function[LOGIN](session, user, pin, length);
    return rv || !word("login-answers") ? rv : number("login-answers");
}

/* `handles-change`: objects have other numbers whenever one has gone. `handles-anew`: with each search, and the former are good still. */
static U numbering;
static U outside(U object) { return word("handles-change") || word("handles-anew") ? object + (numbering << 32) : object; }
static U inside(U object)
{
    if (word("handles-anew")) return object & 0xffffffff;
    return !word("handles-change") ? object : object >> 32 == numbering ? object & 0xffffffff : 0;
}

/* The objects of this class with this identifier. */
static U with_id(U session, U class, struct attribute *id, U *found)
{
    struct attribute search[] = {{0, &class, sizeof class}, *id};
    U count = 0;
    if (real->function[FIND_INIT](session, search, 2)) return 0;
    real->function[FIND](session, found, 8, &count), real->function[FIND_FINAL](session);
    return count;
}

/* `labels-cut`: of a label no more is kept than so many bytes. */
static void cut_label(struct attribute *given, U count)
{
    struct attribute *label = of_type(given, count, 3);
    if (word("labels-cut") && label && label->length > number("labels-cut")) label->length = number("labels-cut");
}

/* `category-refused`, as openCryptoki does. `dies-in-create`: half a certificate is on the token by then.
 * `object-without`: an attribute that it refuses, whatever its value. `created-answers`: a certificate is written, and that answered.
 * `one-certificate-per-key`: the new one takes the place of the one with its identifier. `one-label-per-key`: the private key
 * has the label of its certificate. `certificates-private`: every object that is created is. `second-refused`: a certificate beside one
 * with its identifier is, with that answer. */
static U create(U session, struct attribute *given, U count, U *object)
{
    static B yes = 1;
    struct attribute all[40], *id = of_type(given, count, 0x102), *value = of_type(given, count, 0x11);
    U at = 0, others[8];
    cut_label(given, count);
    reset(session), note("write"), close_at("create");
    if (word("category-refused") && (of_type(given, count, 0x87) || of_type(given, count, 0x110))) return 0x12;
    if (word("object-without") && of_type(given, count, number("object-without"))) return 0x12;
    if (word("dies-in-create") && value) {
        value->length = number("dies-in-create");
        real->function[CREATE_OBJECT](session, given, count, object), _exit(86);
    }
    if (word("second-refused") && value && id && with_id(session, 1, id, others)) return number("second-refused");
    if (word("one-certificate-per-key") && id)
        for (U i = with_id(session, 1, id, others); i > 0; i--) real->function[DESTROY_OBJECT](session, others[i - 1]);
    if (word("one-label-per-key") && id && of_type(given, count, 3))
        for (U i = with_id(session, 3, id, others); i > 0; i--)
            real->function[SET_ATTRIBUTES](session, others[i - 1], of_type(given, count, 3), 1);
    /* `certificate-labels-chosen`: those of certificates too. */
    struct attribute *label = of_type(given, count, 3);
    if (word("certificate-labels-chosen") && label) label->value = "Certificate 1", label->length = 13;
    /* `certificate-ids-dropped`: a certificate has no CKA_ID, and takes none. */
    for (U i = at = 0; i < count; i++)
        if (!word("certificate-ids-dropped") || !value || given[i].type != 0x102) all[at++] = given[i];
    memcpy(given, all, (count = at) * sizeof *given), at = 0;
    /* `created-as`: a certificate is taken, and nothing kept (1); nor is it with 2, and the number is that of one which is there under
     * its identifier; with 3 it is kept, under that number. */
    if (value && word("created-as")) {
        U way = number("created-as"), there = id ? with_id(session, 1, id, others) : 0;
        U rv = way == 3 ? real->function[CREATE_OBJECT](session, given, count, object) : 0;
        return *object = outside(way > 1 && there ? others[0] : 9999), rv;
    }
    if (!word("certificates-private")) {
        U rv = real->function[CREATE_OBJECT](session, given, count, object);
        if (!rv && value && word("created-answers")) return number("created-answers");
        /* `forgets-certificates`: it says that it took one, and keeps nothing. */
        if (!rv && value && word("forgets-certificates")) real->function[DESTROY_OBJECT](session, *object);
        return *object = outside(*object), rv;
    }
    memcpy(all, given, count * sizeof *given);
    while (at < count && all[at].type != 2) at++;
    all[at] = (struct attribute){2, &yes, 1};
    return real->function[CREATE_OBJECT](session, all, at == count ? count + 1 : count, object);
}

/* `gone-is-invalid`: what was destroyed is called invalid by the very call. `destroy-answers`: the one of the number `destroy-at` is done, and
 * answered so; `destroy-kills`: after that one the process is killed. */
static U destroy(U session, U object)
{
    static U gone;
    reset(session);
    if (!inside(object)) return 0x82;
    U rv = real->function[DESTROY_OBJECT](session, inside(object));
    numbering += !rv;
    if (!rv && ++gone == number("destroy-at") && word("destroy-kills")) kill(getpid(), SIGKILL);
    if (!rv && gone == number("destroy-at") && word("destroy-answers")) return number("destroy-answers");
    return !rv && word("gone-is-invalid") ? 0x82 : rv;
}

/* `mechanism-objects`: before all others a search for everything finds so many that are mechanisms, as in Kryoptic.
 * `stored-unsearchable`: by CKA_TOKEN it finds nothing (1), or certificates alone (2). */
enum { FIRST_MECHANISM = 0x500000, FIRST_GHOST = 0x600000 };
static U mechanisms;

/* `ghosts`: each search finds so many handles first that are none. */
static U ghosts;

/* `stores-at`, and last `stores`: before the search of this number another program writes the certificate of that file. */
static void store(U session)
{
    static U searches, class = 1, type, object;
    static B yes = 1, no, der[1 << 14];
    FILE *file = word("stores") && ++searches == number("stores-at") ? fopen(word("stores"), "rb") : 0;
    struct attribute all[] = {{0, &class, sizeof class}, {0x80, &type, sizeof type}, {1, &yes, 1}, {2, &no, 1},
                              {0x101, "0", 2}, {0x102, "came", 4}, {0x11, der, file ? fread(der, 1, sizeof der, file) : 0}};
    if (file) fclose(file), real->function[CREATE_OBJECT](session, all, 7, &object);
}

/* `login-for`: what is refused before the login, to search (1), to ask for what was found (2), to read (4) or to read the value of a certificate
 * (8, and 16 where it is then sensitive). `search-end`: what the end of a search is answered with; `search-over`: the driver has ended it itself. */
static U find_final(U session)
{
    U rv = real->function[FIND_FINAL](session);
    return word("search-end") ? number("search-end") : rv;
}

static U find_init(U session, struct attribute *given, U count)
{
    static U certificate = 1;
    struct attribute by_class[] = {{0, &certificate, sizeof certificate}, {0x102, "none", 4}};
    int stored = count == 1 && given->type == 1;
    reset(session), note("search"), store(session), numbering += !!word("handles-anew");
    if (number("login-for") & 1 && !logins) return 0x101;
    mechanisms = count ? 0 : number("mechanism-objects"), ghosts = number("ghosts");
    if (stored && word("stored-unsearchable"))
        return real->function[FIND_INIT](session, by_class, number("stored-unsearchable") == 2 ? 1 : 2);
    return real->function[FIND_INIT](session, given, count);
}

/* `hides`: certificates whose CKA_ID begins so show after the login only. `hides-public-keys`: they never show, nor with `hides-private-keys`
 * those. `hides-of-jobs`: with our record no private keys (1), no public keys (2), or neither (3). */
static U find_seen(U session, U *objects, U room, U *count)
{
    U found = 0, one, got;
    for (; mechanisms && found < room; mechanisms--) objects[found++] = FIRST_MECHANISM + mechanisms;
    for (; ghosts && found < room; ghosts--) objects[found++] = FIRST_GHOST + ghosts;
    if (found) return *count = found, 0;
    int hides = word("hides") && !logins;
    if (!hides && !word("hides-public-keys") && !word("hides-private-keys") && !word("hides-of-jobs")) return real->function[FIND](session, objects, room, count);
    while (found < room) {
        U class = 0, rv = real->function[FIND](session, &one, 1, &got);
        B id[64] = {0}, label[256] = {0};
        struct attribute wanted[] = {{0, &class, sizeof class}, {0x102, id, sizeof id}, {3, label, sizeof label}};
        if (rv) return rv;
        if (!got) break;
        real->function[GET_ATTRIBUTES](session, one, wanted, 3);
        int is_jobs = !strncmp((char *)label, "ut2", 3);
        int hidden = class == 1 ? hides && id[0] == number("hides") : class == 2 && word("hides-public-keys");
        hidden |= class == 3 && (word("hides-private-keys") || is_jobs && number("hides-of-jobs") & 1);
        hidden |= class == 2 && is_jobs && number("hides-of-jobs") & 2;
        if (!hidden) objects[found++] = one;
    }
    return *count = found, 0;
}

/* `newest-first`: a search finds what was written last first. */
static U find_newest_first(U session, U *objects, U room, U *count)
{
    static U all[4096], left;
    static int open;
    U got = 0, rv = 0;
    if (!open) for (left = 0; left < 4000 && !(rv = find_seen(session, all + left, 64, &got)) && got; left += got);
    open = left > 0;
    for (*count = 0; *count < room && left; (*count)++) objects[*count] = all[--left];
    return rv;
}

/* `labels-kept`: labels cannot be changed. */
static U set_attributes(U session, U object, struct attribute *given, U count)
{
    if (word("certificate-ids-dropped") && of_type(given, count, 0x102)) return 0x10;
    cut_label(given, count);
    return word("labels-kept") ? 0x10 : real->function[SET_ATTRIBUTES](session, inside(object), given, count);
}

/* `handles-twice`: each object is found twice. `count-untold`: at the end of a search it does not say how many. */
static U find(U session, U *objects, U room, U *count)
{
    static int seen;
    if (number("login-for") & 2 && !logins) return 0x101;
    U half = word("handles-twice") ? room / 2 : room;
    U rv = (word("newest-first") ? find_newest_first : find_seen)(session, objects, half, count);
    if (word("search-over") && !rv && !*count && seen) return seen = 0, 0x91;
    seen = *count > 0;
    for (U i = *count; !rv && word("handles-twice") && i > 0; i--) objects[2 * i - 1] = objects[2 * i - 2] = objects[i - 1];
    if (!rv && word("handles-twice")) *count *= 2;
    if (word("count-untold") && !rv && !*count) return *count = number("count-untold"), 0;
    for (U i = 0; !rv && i < *count; i++) objects[i] = outside(objects[i]);
    return rv;
}

/* `pair-without`, `public-without`, `private-without`: attributes that it refuses there, with `pair-answers`. `open-by-default`: a private
 * key that is not told otherwise can be read by everybody; `closed-by-default`: by nobody. `labels-chosen`: keys are labelled by the token. `dies-in-generate`: the public half is not on the token by then (1), or it is, without a point that makes sense (2). */
static U generate(U session, struct mechanism *mechanism, struct attribute *public, U publics, struct attribute *private,
                  U privates, U *public_key, U *private_key)
{
    static U open[] = {2, 0x103, 0x162};
    static B yes = 1, no;
    struct attribute one[20], two[20];
    if (gives("pair-without", public, publics) || gives("pair-without", private, privates)
        || gives("public-without", public, publics) || gives("private-without", private, privates))
        return word("pair-answers") ? number("pair-answers") : 0x12;
    reset(session), note("pair"), pairs++, close_at("pair");
    /* `stores-no-public-key`: it is a session object or none. */
    struct attribute *stored = of_type(public, publics, 1);
    if (word("stores-no-public-key") && stored && *(B *)stored->value) return 0xD1;
    memcpy(one, public, publics * sizeof *one), memcpy(two, private, privates * sizeof *two);
    cut_label(one, publics), cut_label(two, privates);
    for (U i = 0; word("labels-chosen") && i < publics; i++) if (one[i].type == 3) one[i].value = "Key 1", one[i].length = 5;
    for (U i = 0; word("labels-chosen") && i < privates; i++) if (two[i].type == 3) two[i].value = "Key 1", two[i].length = 5;
    for (int i = 0; (word("open-by-default") || word("closed-by-default")) && i < 3; i++)
        if (!of_type(two, privates, open[i]))
            two[privates++] = (struct attribute){open[i], (open[i] == 0x162) == !word("closed-by-default") ? &yes : &no, 1};
    U rv = real->function[GENERATE_KEY_PAIR](session, mechanism, one, publics, two, privates, public_key, private_key);
    if (!rv && word("dies-in-generate")) {
        U class = 2, type = 3;
        B half[] = {4, 65, 4, 1, 2, 3};
        struct attribute all[] = {{0, &class, sizeof class}, {0x100, &type, sizeof type}, {1, &yes, 1},
            *of_type(public, publics, 3), *of_type(public, publics, 0x102), *of_type(public, publics, 0x180), {0x181, half, 6}};
        real->function[DESTROY_OBJECT](session, *public_key);
        if (number("dies-in-generate") == 2) real->function[CREATE_OBJECT](session, all, 7, public_key);
        _exit(86);
    }
    *public_key = outside(*public_key), *private_key = outside(*private_key);
    /* `pair-untold`: of the public half (1), or of neither, a handle that is one. */
    if (word("pair-untold") && !rv) *public_key = 0, *private_key = number("pair-untold") == 1 ? *private_key : 0;
    /* `pair-of-others`: the handles of keys that are there already, with the CKA_ID `others-id`: of the private half (1), the public one
     * (2), both (3). `pair-exchanged`: each is that of the other half. */
    U first = *public_key;
    if (!rv && word("pair-exchanged")) *public_key = *private_key, *private_key = first;
    for (int half = 0; !rv && number("pair-of-others") && half < 2; half++) {
        U class = half ? 2 : 3, found = 0, count = 0;
        B id = (B)number("others-id");
        struct attribute wanted[] = {{0, &class, sizeof class}, {0x102, &id, 1}};
        real->function[FIND_INIT](session, wanted, 2), real->function[FIND](session, &found, 1, &count);
        real->function[FIND_FINAL](session);
        if (count && number("pair-of-others") & 1 << half) *(half ? public_key : private_key) = found;
    }
    return rv;
}

/* `unread`: a certificate whose CKA_ID begins so tells nothing, whoever asks: that is answered by `unread-as`. */
static int is_unread(U session, U object)
{
    U class = 0;
    B id[64] = {0};
    struct attribute wanted[] = {{0, &class, sizeof class}, {0x102, id, sizeof id}};
    return word("unread") && !real->function[GET_ATTRIBUTES](session, object, wanted, 2) && class == 1 && id[0] == number("unread");
}

/* `reads-as-old`: what has such a CKA_ID is read as the object of its class with the CKA_ID 1, while that is there. */
static U as_read(U session, U object)
{
    U class = 0, others[8];
    B id[64] = {0}, one = 1;
    struct attribute wanted[] = {{0, &class, sizeof class}, {0x102, id, sizeof id}}, old = {0x102, &one, 1};
    if (!word("reads-as-old") || real->function[GET_ATTRIBUTES](session, object, wanted, 2) || id[0] != number("reads-as-old")) return object;
    return with_id(session, class, &old, others) ? others[0] : object;
}

/* `public-keys-alike`, `certificates-alike`: of each public key or certificate the value of one with its CKA_ID is told, of that whose value ends
 * with these four bytes. */
static U told(U session, U object, U type, B *value, U *length)
{
    U class = 0, others[8];
    B id[64];
    struct attribute wanted[] = {{0, &class, sizeof class}, {0x102, id, sizeof id}};
    if (real->function[GET_ATTRIBUTES](session, object, wanted, 2)) return 0;
    const char *way = class == 2 && (type == 0x181 || type == 0x120) ? "public-keys-alike" : class == 1 && type == 0x11 ? "certificates-alike" : 0;
    if (!way || !word(way)) return 0;
    for (U i = with_id(session, class, wanted + 1, others); i > 0; i--) {
        struct attribute one = {type, value, 4096};
        if (real->function[GET_ATTRIBUTES](session, others[i - 1], &one, 1) || one.length < 4) continue;
        B *end = value + one.length - 4;
        if (((U)end[0] << 24 | end[1] << 16 | end[2] << 8 | end[3]) == number(way)) return *length = one.length, others[i - 1];
    }
    return 0;
}

/* `verifies`: a public key object verifies nothing and is refused with that, or takes everything (1), or is taken for the one whose value is told
 * for it (2). */
static U verify_init(U session, struct mechanism *mechanism, U key)
{
    B value[4096];
    U length, other = 0;
    note("verify");
    if (number("verifies") > 2) return number("verifies");
    if (!(key = inside(key))) return 0x60;
    if (number("verifies") == 2 && !(other = told(session, key, 0x181, value, &length))) other = told(session, key, 0x120, value, &length);
    return real->function[VERIFY_INIT](session, mechanism, other ? other : key);
}

static U verify(U session, B *data, U length, B *signature, U count)
{
    U rv = real->function[VERIFY](session, data, length, signature, count);
    return number("verifies") == 1 ? 0 : rv;
}

/* `class-of`: what has such a CKA_ID is an object of the class `class-as`, and says nothing else of itself. */
static int is_of_class(U session, U object, struct attribute *list, U count)
{
    B id[64] = {0};
    struct attribute wanted = {0x102, id, sizeof id};
    if (!word("class-of") || real->function[GET_ATTRIBUTES](session, object, &wanted, 1) || id[0] != number("class-of")) return 0;
    for (U i = 0; i < count; i++) {
        if (!list[i].type && list[i].value) *(U *)list[i].value = number("class-as");
        list[i].length = list[i].type ? (U)-1 : sizeof(U);
    }
    return 1;
}

static U attributes(U session, U object, struct attribute *list, U count)
{
    if (!(object = inside(object)) || (object > FIRST_GHOST && object < FIRST_GHOST + 100000)) return 0x82;
    if (is_of_class(session, object, list, count)) return count == 1 && !list[0].type ? 0 : 0x12;
    object = as_read(session, object);
    if (is_unread(session, object)) {
        for (U i = 0; i < count; i++) list[i].length = number("unread-as") ? (U)-1 : 0;
        return number("unread-as");
    }
    U room[64], unavailable = (U)-1;
    reset(session), note("read");
    /* `one-by-one`: what several attributes at once are answered with. */
    if (word("one-by-one") && count > 1) return number("one-by-one");
    if (number("login-for") & 4 && !logins) return 0x101;
    if (number("login-for") & 24 && !logins && of_type(list, count, 0x11)) {
        for (U i = 0; i < count; i++) list[i].length = unavailable;
        return number("login-for") & 8 ? 0x101 : 0x11;
    }
    for (U i = 0; object > FIRST_MECHANISM && object < FIRST_MECHANISM + 1000 && i <= count; i++) {
        if (i == count) return 0x12;
        list[i].length = list[i].type ? unavailable : sizeof(U);
        if (!list[i].type && list[i].value) *(U *)list[i].value = 7;
    }
    if (word("logged-out-after-pair") && pairs) return 0x101;
    for (U i = 0; i < count && i < 64; i++) {
        room[i] = list[i].length;
        /* It takes a number in a buffer of its own length only. */
        if (word("exact-numbers") && list[i].value && (list[i].type == 0 || list[i].type == 0x100) && room[i] != sizeof(U))
            return 7;
    }
    U rv = real->function[GET_ATTRIBUTES](session, object, list, count);
    for (U i = 0; (word("public-keys-alike") || word("certificates-alike")) && i < count && i < 64; i++) {
        B value[4096];
        U length;
        if (!told(session, object, list[i].type, value, &length)) continue;
        if (list[i].value && room[i] >= length) memcpy(list[i].value, value, length);
        list[i].length = list[i].value && room[i] < length ? rv = 0x150, unavailable : length;
    }
    U key_type = (U)-1;
    struct attribute of_key = {0x100, &key_type, sizeof key_type};
    /* Where a number has another room, it is not available. */
    for (U i = 0; word("numbers-fill-their-room") && i < count && i < 64; i++)
        if (list[i].value && (list[i].type == 0 || list[i].type == 0x80 || list[i].type == 0x100) && room[i] != sizeof(U))
            list[i].length = unavailable, rv = 0x12;
    /* The modulus of an EC key has a length that makes no sense, whoever asks and however often. */
    for (U i = 0; word("ec-modulus") && i < count && i < 64; i++)
        if (list[i].type == 0x120 && !real->function[GET_ATTRIBUTES](session, object, &of_key, 1) && key_type == 3)
            list[i].length = unavailable - 1, rv = 0x150;
    /* `key-ids-unread`: of a private key the CKA_ID is given as empty; `key-ids-cut`: 10 bytes of a longer one; `key-ids-garbled`: with
     * another first byte.
     * `labels-unread`: of a private key no label is given: an empty one (1), none (2), CKR_OK and no length (3). `value-empty`: the value of
     * a certificate whose CKA_ID does not begin with 1 is empty, so often; `value-empty-from`: not the first ones. */
    static U class = 0, emptied, valued;
    struct attribute of_class = {0, &class, sizeof class};
    int is_private = (word("labels-unread") || word("key-ids-unread") || word("key-ids-cut") || word("key-ids-garbled")) && !real->function[GET_ATTRIBUTES](session, object, &of_class, 1) && class == 3;
    for (U i = 0; i < count && i < 64 && is_private; i++)
        if (list[i].type == 0x102 && word("key-ids-unread")) list[i].length = 0;
        else if (list[i].type == 0x102 && list[i].length > 10 && list[i].length != unavailable) {
            if (word("key-ids-garbled") && list[i].value) *(B *)list[i].value ^= 0x55;
            if (word("key-ids-cut")) list[i].length = 10;
        }
        else if (list[i].type == 3 && word("labels-unread")) {
            list[i].length = number("labels-unread") == 1 ? 0 : unavailable;
            if (number("labels-unread") == 2) rv = 0x12;
        }
    for (U i = 0; i < count && i < 64 && word("value-empty"); i++)
        if (list[i].type == 0x11 && list[i].value && list[i].length != unavailable) {
            B id[64] = {0};
            struct attribute of_id = {0x102, id, sizeof id};
            real->function[GET_ATTRIBUTES](session, object, &of_id, 1);
            if (id[0] != 1 && valued++ >= number("value-empty-from") && emptied++ < number("value-empty")) list[i].length = 0;
        }
    for (U i = 0; i < count && i < 64; i++) {
        if (list[i].length == unavailable && word("lengths-of-32-bits")) list[i].length = 0xffffffff;
        if (list[i].length == unavailable || !list[i].value) continue;
        if (word("never-local") && list[i].type == 0x163) *(B *)list[i].value = 0;
        /* `extractable`: it says so of every key. */
        if (word("extractable") && list[i].type == 0x162) *(B *)list[i].value = 1;
        /* `certificate-type`: what it states of X.509 certificates. */
        if (word("certificate-type") && list[i].type == 0x80 && list[i].length == sizeof(U)) *(U *)list[i].value = number("certificate-type");
        if (word("lengths-stay") && list[i].length < room[i]) list[i].length = room[i];
        B *point = list[i].value;
        if (list[i].type == 0x181 && list[i].length == 67 && (word("points-compressed") || word("points-bare"))) {
            memmove(point, point + 2, list[i].length = 65);
            if (word("points-compressed")) point[0] = 2 + (point[64] & 1), list[i].length = 33;
        }
        if (list[i].type == 0x181 && list[i].length == 67 && word("points-hybrid")) point[2] = 6 + (point[66] & 1);
        if (list[i].type == 0x181 && list[i].length == 67 && word("points-xy")) memmove(point, point + 3, list[i].length = 64);
        if (word("asks") && list[i].type == 0x202 && list[i].length == 1) point[0] = 1;
        if (word("labels-end-with-nul") && list[i].type == 3 && list[i].length < room[i])
            ((B *)list[i].value)[list[i].length++] = 0;
    }
    return rv;
}

/* `stays-active`: what C_Sign refuses is an operation still. `final-refused`: C_SignFinal does not end it. */
static U used;

static U sign_final(U session, B *signature, U *count)
{
    return word("final-refused") ? 0x54 : real->function[SIGN_FINAL](session, signature, count);
}

static U sign_init(U session, struct mechanism *mechanism, U key)
{
    reset(session);
    used = mechanism->kind;
    if (word("refuses") && mechanism->kind == number("refuses")) return word("refuses-with") ? number("refuses-with") : 0x70;
    return inside(key) ? real->function[SIGN_INIT](session, mechanism, inside(key)) : 0x60;
}

static int integer(B *out, const B *value, int length)
{
    while (length > 1 && !*value) value++, length--;
    int zero = *value >> 7;
    out[0] = 2, out[1] = length + zero, out[2] = 0;
    memcpy(out + 2 + zero, value, length);
    return 2 + zero + length;
}

static U sign(U session, B *data, U length, B *signature, U *count)
{
    static int made;
    U room = *count;
    reset(session), note("sign"), close_at("sign");
    if (word("refuses-to-sign") && used == number("refuses-to-sign")) {
        B away[1024];
        U many = sizeof away;
        if (!word("stays-active")) real->function[SIGN](session, data, length, away, &many);
        return used = 0, number("refuses-with");
    }
    if (word("exact-room") && signature && room != number("exact-room")) return *count = word("tells-room") ? number("exact-room") : room, 0x150;
    if (word("broken-pipe")) {
        int ends[2];
        signal(SIGPIPE, SIG_DFL), pipe(ends), close(ends[0]), write(ends[1], "x", 1), close(ends[1]);
    }
    if (word("logged-out-after") && made++ >= (int)number("logged-out-after")) return 0x101;
    U rv = real->function[SIGN](session, data, length, signature, count);
    if (rv || !signature) return rv;
    if (word("signs-wrong") && used == number("signs-wrong")) signature[5] ^= 1;
    if (word("ecdsa-as-der")) {
        B der[200];
        int end = 2;
        end += integer(der + end, signature, *count / 2);
        end += integer(der + end, signature + *count / 2, *count / 2);
        der[0] = 0x30, der[1] = end - 2;
        memcpy(signature, der, *count = end);
    }
    if (word("signatures-filled-up") && room >= *count + 8) memset(signature + *count, 0, 8), *count += 8;
    return 0;
}

U C_GetFunctionList(struct list **list)
{
    if (!real) {
        void *library = dlopen(getenv("ODD_DRIVER"), RTLD_NOW | RTLD_LOCAL);
        U (*get)(struct list **) = library ? (U (*)(struct list **))dlsym(library, "C_GetFunctionList") : 0;
        if (!get || get(&real)) return 5;
        odd = *real;
        odd.function[INITIALIZE] = initialize, odd.function[FINALIZE] = finalize, odd.function[GET_LIST] = C_GetFunctionList;
        odd.function[SLOT_LIST] = slot_list, odd.function[TOKEN_INFO] = token_info;
        odd.function[MECHANISM_LIST] = mechanism_list, odd.function[MECHANISM_INFO] = mechanism_info;
        odd.function[OPEN_SESSION] = open_session, odd.function[SESSION_INFO] = session_info;
        odd.function[LOGIN] = login, odd.function[CREATE_OBJECT] = create;
        odd.function[DESTROY_OBJECT] = destroy, odd.function[FIND] = find;
        odd.function[FIND_INIT] = find_init, odd.function[SET_ATTRIBUTES] = set_attributes;
        odd.function[GENERATE_KEY_PAIR] = generate, odd.function[GET_ATTRIBUTES] = attributes;
        odd.function[SIGN_INIT] = sign_init, odd.function[SIGN] = sign, odd.function[SIGN_FINAL] = sign_final;
        odd.function[FIND_FINAL] = find_final;
        odd.function[VERIFY_INIT] = verify_init, odd.function[VERIFY] = verify;
        if (word("without-mechanism-info")) odd.function[MECHANISM_INFO] = 0;
        if (word("version")) odd.version[0] = number("version") >> 8, odd.version[1] = number("version");
    }
    return *list = &odd, 0;
}
