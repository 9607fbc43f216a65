/* Answers each request with its event, byte for byte, and with its id. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEFORE "{\"id\":\"q7w2m0x4k9c1z5t8\",\"event\":"
#define BEHIND ",\"context\":{"

int main(void) {
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;

    while ((length = getline(&line, &capacity, stdin)) > 0) {
        const char *request = line + strspn(line, " \r\n");
        const char *end = NULL, *found = request;

        if (!*request)
            continue;
        while ((found = strstr(found, BEHIND)))
            end = found++;
        if (!end || strncmp(request, BEFORE, 7) || end < request + strlen(BEFORE)) {
            fputs("a line is no request\n", stderr);
            return EXIT_FAILURE;
        }
        const char *event = request + strlen(BEFORE);
        printf("{\"id\":\"%.16s\",\"result\":%.*s}\n", request + 7, (int)(end - event), event);
        if (fflush(stdout))
            return EXIT_FAILURE;
    }
    free(line);
    return EXIT_SUCCESS;
}
