/* A Lambda function in C11 that measures: hypot is one of the functions of which glibc has a new version
 * since 2.35, so a build on a newer system asks for that without a word about it in the source. */
#define _POSIX_C_SOURCE 200809L /* getline */

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    char *line = NULL;
    size_t capacity = 0;

    while (getline(&line, &capacity, stdin) > 0) {
        const char *id;
        double x, y;
        json_error_t problem;
        json_t *request = json_loads(line, 0, &problem), *reply;

        if (json_unpack_ex(request, &problem, 0, "{s:s, s:{s:F, s:F}}", "id", &id, "event", "x", &x,
                           "y", &y) != 0) {
            fprintf(stderr, "not understood: %s\n", problem.text);
            return 1;
        }
        reply = json_pack("{s:s, s:{s:f}}", "id", id, "result", "distance", hypot(x, y));
        json_dumpf(reply, stdout, JSON_COMPACT);
        puts("");
        fflush(stdout);
        json_decref(reply);
        json_decref(request);
    }
    free(line);
    return 0;
}
