/* A Lambda function in C11: reads a line, prints a line.  The JSON is Jansson's. */
#define _POSIX_C_SOURCE 200809L /* getline */

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a function says: exactly one of the two is set. */
struct answer {
    json_t *result;
    json_t *error;
};

static struct answer fails(const char *type, json_t *message) {
    json_t *error = json_pack("{s:s, s:o, s:[]}", "errorType", type, "errorMessage", message,
                              "stackTrace");
    return (struct answer){.error = error};
}

/* The function itself: an event in, a result or an error out. */
static struct answer handle(const json_t *event) {
    json_t *value;

    if ((value = json_object_get(event, "fail")))
        return fails("ExampleError", json_incref(value));
    if ((value = json_object_get(event, "echo")))
        return (struct answer){.result = json_incref(value)};
    if (json_is_string(value = json_object_get(event, "name"))) {
        fprintf(stderr, "greeting %s\n", json_string_value(value)); /* a log line */
        /* The name goes with its length, since it may hold a NUL. */
        return (struct answer){.result = json_pack("{s:s+%+}", "greeting", "Hello, ",
                                                   json_string_value(value),
                                                   json_string_length(value), "!")};
    }
    return fails("ExampleError", json_string("expected name, fail or echo"));
}

/* Jansson refuses an integer beyond 64 bits; such a line is read again with all its numbers as
 * doubles, so that it is answered, if not exactly. */
static json_t *parse(const char *line, size_t length) {
    const size_t flags = JSON_ALLOW_NUL | JSON_DISABLE_EOF_CHECK;
    json_error_t problem;
    json_t *request = json_loadb(line, length, flags, &problem);

    if (!request && json_error_code(&problem) == json_error_numeric_overflow)
        request = json_loadb(line, length, flags | JSON_DECODE_INT_AS_REAL, &problem);
    if (!request)
        fprintf(stderr, "could not read the request: %s\n", problem.text);
    return request;
}

int main(void) {
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;

    /* The end of input means stop. */
    while ((length = getline(&line, &capacity, stdin)) > 0) {
        /* A space may come before the first line, and then nothing at all. */
        if (strspn(line, " \r\n") == (size_t)length)
            continue;

        json_t *request = parse(line, (size_t)length);

        /* Without its id no reply can be given: end, and the bridge tells the caller the line above. */
        if (!request)
            return EXIT_FAILURE;

        struct answer answer = handle(json_object_get(request, "event"));
        json_t *reply = json_pack("{s:O, s:o*, s:o*}", "id", json_object_get(request, "id"), "result",
                                  answer.result, "error", answer.error);

        /* One line, flushed: a pipe is not a terminal, and stdio would keep the reply back. */
        if (!reply || json_dumpf(reply, stdout, JSON_COMPACT) || putchar('\n') == EOF || fflush(stdout))
            return EXIT_FAILURE;
        json_decref(reply);
        json_decref(request);
    }
    free(line);
    return EXIT_SUCCESS;
}
