/* The floor: the least that a bridge between Lambda and a program must do, written by hand.
 *
 *     AWS_LAMBDA_RUNTIME_API=127.0.0.1:9001 floor [--anew] PROGRAM
 *
 * One connection that is kept, one read and one write a hop where the message fits, blocking, nothing
 * copied that can stay where it is.  It checks nothing: no deadline, no JSON, no end of the program, no
 * standard error.  It serves to say what our bridge's checks cost, and nothing else.
 *
 * With --anew the program is started for each event and waited for, as a bridge without a protocol would.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What Lambda's head may be long, and with it what stands before a line or a post. */
#define HEAD 4096
#define BODY (7 << 20)

#define PREFIX "{\"id\":\"0123456789abcdef\",\"event\":"
#define RESULT "{\"id\":\"0123456789abcdef\",\"result\":"
/* As long as our bootstrap's is in the same run, so that both programs hand on as many bytes. */
#define SUFFIX                                                                                              \
    ",\"context\":{\"awsRequestId\":\"01234567-89ab-cdef-0123-456789abcdef\",\"deadlineMs\":1795258607061," \
    "\"invokedFunctionArn\":\"arn:aws:lambda:eu-west-1:123456789012:function:bench\","                      \
    "\"functionName\":\"bench\",\"functionVersion\":\"$LATEST\",\"memoryLimitInMB\":\"512\","               \
    "\"logGroupName\":\"/aws/lambda/bench\",\"logStreamName\":\"2026/01/01/[$LATEST]0123456789abcdef\","    \
    "\"xRayTraceId\":\"Root=1-6b0178ec-80c769d36e3e5fb2f183a9a3;Parent=89f20d8107dd12c7;Sampled=0\"}}\n"

static char input[HEAD + BODY], output[HEAD + BODY];
static int lambda, to_program, from_program;
static pid_t program;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void write_all(int fd, const char *bytes, size_t length) {
    while (length) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0) die("write");
        bytes += written, length -= written;
    }
}

/* Reads one answer of Lambda into `input`; where its body is, and how long. */
static char *read_answer(size_t *length) {
    size_t held = 0;
    char *body = NULL;
    *length = 0;
    while (!body || held < (size_t)(body - input) + *length) {
        ssize_t got = recv(lambda, input + held, sizeof input - sizeof SUFFIX - held, 0);
        if (got <= 0) exit(0);
        held += got;
        if (body || !(body = memmem(input, held, "\r\n\r\n", 4))) continue;
        body += 4;
        char *field = memmem(input, body - input, "Content-Length: ", 16);
        if (field) *length = strtoul(field + 16, NULL, 10);
    }
    return body;
}

/* Reads one line of the program into `output`, behind room for a head; its length. */
static size_t read_line(void) {
    char *line = output + HEAD;
    size_t held = 0;
    do {
        ssize_t got = read(from_program, line + held, BODY - held);
        if (got <= 0) die("the program ended");
        held += got;
    } while (line[held - 1] != '\n');
    return held;
}

static void start(char **words) {
    int in[2], out[2];
    posix_spawn_file_actions_t actions;
    if (pipe2(in, 02000000) || pipe2(out, 02000000)) die("pipe2"); /* O_CLOEXEC */
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    if (posix_spawn(&program, words[0], &actions, NULL, words, environ)) die("posix_spawn");
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]), close(out[1]);
    to_program = in[1], from_program = out[0];
}

static void end(void) {
    close(to_program), close(from_program);
    waitpid(program, NULL, 0);
}

int main(int count, char **words) {
    int anew = count > 1 && !strcmp(words[1], "--anew");
    char *address = getenv("AWS_LAMBDA_RUNTIME_API");
    char next[256], head[HEAD], id[64];
    char *colon = address ? strchr(address, ':') : NULL;
    words += 1 + anew;
    if (!colon || !*words) return 2;

    int next_length = snprintf(next, sizeof next,
        "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: %s\r\n\r\n", address);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(colon + 1))};
    int one = 1;
    *colon = 0;
    inet_pton(AF_INET, address, &at.sin_addr);
    *colon = ':';
    lambda = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(lambda, (struct sockaddr *)&at, sizeof at)) die("connect");
    setsockopt(lambda, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    signal(SIGPIPE, SIG_IGN);
    if (!anew) start(words);

    for (;;) {
        size_t length, held;
        write_all(lambda, next, next_length);
        char *event = read_answer(&length);
        char *field = memmem(input, event - input, "Lambda-Runtime-Aws-Request-Id: ", 31);
        if (!field) die("no request id");
        snprintf(id, sizeof id, "%.36s", field + 31);

        /* The line is made around the event, where Lambda's head was and where nothing is. */
        memcpy(event - strlen(PREFIX), PREFIX, strlen(PREFIX));
        memcpy(event + length, SUFFIX, strlen(SUFFIX));
        if (anew) start(words);
        write_all(to_program, event - strlen(PREFIX), strlen(PREFIX) + length + strlen(SUFFIX));
        held = read_line();
        if (anew) end();

        /* And the post around the result, without the `}` and the line end. */
        char *result = output + HEAD + strlen(RESULT);
        length = held - strlen(RESULT) - 2;
        int head_length = snprintf(head, sizeof head,
            "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: %s\r\n"
            "Content-Length: %zu\r\n\r\n", id, address, length);
        memcpy(result - head_length, head, head_length);
        write_all(lambda, result - head_length, head_length + length);
        read_answer(&length);
    }
}
