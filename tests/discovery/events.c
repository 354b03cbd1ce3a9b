/* A driver with one slot that really reports slot events. A token is in it while the file EVENTS_TOKEN exists. What it
 * is asked is appended to the file EVENTS_LOG, a letter a call: I initialise, S slot list, E an event told, N none. */

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long U;

struct token_info {
    char label[32], manufacturer[32], model[16], serial[16];
    U flags, counts[10];
    char versions[4], time[16];
};

static int waiting, was_there;

static int is_there(void) { return access(getenv("EVENTS_TOKEN"), F_OK) == 0; }

static void note(char letter)
{
    FILE *log = fopen(getenv("EVENTS_LOG"), "a");
    if (log) fputc(letter, log), fclose(log);
}

/* As drivers do, it reports its slots as if they had just appeared. */
static U initialize(void *arguments) { note('I'); waiting = 2; was_there = is_there(); return 0; }
static U finalize(void *reserved) { return 0; }

static U slot_list(unsigned char present, U *slots, U *count)
{
    U there = !present || is_there(), room = *count;
    note('S');
    *count = there;
    if (!slots) return 0;
    if (room < there) return 0x150;
    if (there) slots[0] = 1;
    return 0;
}

static U token_info(U slot, struct token_info *info)
{
    if (!is_there()) return 0xE0;
    memset(info, ' ', offsetof(struct token_info, flags));
    memcpy(info->label, "EVENT", 5);
    memcpy(info->serial, "0001", 4);
    info->flags = 0x400 | 8;
    return 0;
}

static U slot_event(U flags, U *slot, void *reserved)
{
    if (!(flags & 1)) abort(); /* The call that blocks is never made. */
    if (is_there() != was_there) was_there = is_there(), waiting++;
    note(waiting ? 'E' : 'N');
    *slot = 1;
    return waiting ? (waiting--, 0) : 8;
}

static struct { unsigned char major, minor; void *functions[68]; } list = {2, 40, {NULL}};

U C_GetFunctionList(void **out)
{
    list.functions[0] = initialize;
    list.functions[1] = finalize;
    list.functions[4] = slot_list;
    list.functions[6] = token_info;
    list.functions[67] = slot_event;
    *out = &list;
    return 0;
}
