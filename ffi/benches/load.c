/* How many nanoseconds the loader takes for a library, everything resolved: load LIBRARY */
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

int main(int count, char **arguments)
{
    struct timespec begin, end;
    if (count != 2 || clock_gettime(CLOCK_MONOTONIC, &begin) != 0)
        return 1;
    if (dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL) == NULL || clock_gettime(CLOCK_MONOTONIC, &end) != 0)
        return 1;
    printf("%lld\n", (end.tv_sec - begin.tv_sec) * 1000000000ll + end.tv_nsec - begin.tv_nsec);
    return 0;
}
