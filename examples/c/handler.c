/* A Lambda function in C11: reads a line, prints a line.  The JSON is Jansson's. */
#define _POSIX_C_SOURCE 200809L /* getline, fdopen */

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the function says: exactly one of the two is set. */
struct answer {
    json_t *result;
    json_t *error;
};

/* An error with the line that it comes from, since C keeps no stack to show.  Takes the message over. */
#define FAIL(type, message) fail_at(type, message, __func__, __LINE__)
static struct answer fail_at(const char *type, json_t *message, const char *function, int line) {
    json_t *place = json_sprintf("at %s (%s:%d)", function, __FILE__, line);
    return (struct answer){.error = json_pack("{s:s, s:o, s:[o]}", "errorType", type, "errorMessage",
                                              message, "stackTrace", place)};
}

/* The function itself: an event in, a result or an error out. */
static struct answer handle(const json_t *event) {
    json_t *value;

    if (json_is_string(value = json_object_get(event, "fail")))
        return FAIL("ExampleError", json_incref(value));
    if ((value = json_object_get(event, "echo")))
        return (struct answer){.result = json_incref(value)};
    if (json_is_string(value = json_object_get(event, "name"))) {
        printf("greeting %s\n", json_string_value(value)); /* a log line */
        /* The name goes with its length, since it may hold a NUL. */
        return (struct answer){.result = json_pack("{s:s+%+}", "greeting", "Hello, ",
                                                   json_string_value(value),
                                                   json_string_length(value), "!")};
    }
    return FAIL("UnknownEvent", json_string("expected name or fail with a text, or echo"));
}

/* The rest is the same whatever the function does. */

/* Jansson refuses an integer beyond 64 bits; such a line is read again with all its numbers as
 * doubles, so that it is answered, if not exactly. */
static json_t *parse(const char *line, size_t length, json_error_t *problem) {
    json_t *request = json_loadb(line, length, JSON_ALLOW_NUL, problem);

    if (!request && json_error_code(problem) == json_error_numeric_overflow)
        request = json_loadb(line, length, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, problem);
    return request;
}

/* The id of a line that Jansson refuses, as for a lone surrogate: it stands first in every request. */
static json_t *first_id(const char *line) {
    char id[17];
    int end = 0;

    sscanf(line, " {\"id\":\"%16[a-z0-9]\"%n", id, &end);
    return end ? json_string(id) : NULL;
}

/* The reply to a line, or NULL if the line is no request. */
static json_t *reply(const char *line, size_t length) {
    json_error_t problem;
    json_t *request = parse(line, length, &problem);
    json_t *id = request ? json_incref(json_object_get(request, "id")) : first_id(line);
    struct answer answer;

    if (!json_is_string(id)) {
        fprintf(stderr, "not a request: %s\n", request ? "no id" : problem.text);
        return NULL;
    }
    answer = request ? handle(json_object_get(request, "event"))
                     : FAIL("InvalidEvent", json_string(problem.text));
    json_decref(request);
    return json_pack("{s:o, s:o*, s:o*}", "id", id, "result", answer.result, "error", answer.error);
}

int main(void) {
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;

    /* Replies get a copy of standard output, and standard output itself becomes the log: whatever prints
     * from here on, a library or a child process included, cannot land in a reply. */
    FILE *replies = fdopen(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3), "w");
    if (!replies || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return EXIT_FAILURE;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);

    /* The end of input means stop. */
    while ((length = getline(&line, &capacity, stdin)) > 0) {
        /* A space may come before the first line, and then nothing at all. */
        if (strspn(line, " \t\r\n") == (size_t)length)
            continue;

        json_t *output = reply(line, (size_t)length);

        /* One line, flushed: a pipe is not a terminal, and stdio would keep the reply back. */
        if (!output || json_dumpf(output, replies, JSON_COMPACT) || putc('\n', replies) == EOF ||
            fflush(replies))
            return EXIT_FAILURE;
        json_decref(output);
    }
    free(line);
    return EXIT_SUCCESS;
}
