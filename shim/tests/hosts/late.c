/* A library that calls back when it is unloaded: at the end of a process glibc comes to it after those that were loaded
 * before it. */
static void (*then)(void);
void at_the_end(void (*call)(void)) { then = call; }
__attribute__((destructor)) static void end(void) { if (then) then(); }
