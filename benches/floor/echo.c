/* The handler that the floor and our bootstrap are measured with: each event is its own result.
 *
 * It finds the event by its place in the line and answers where the line lies, so that as little as can
 * be of what is measured is the handler's.  With the word `plain` it answers without a tag.
 */
#define _GNU_SOURCE
#include <string.h>
#include <unistd.h>

#define ID 23 /* {"id":"0123456789abcdef */
#define EVENT "\",\"event\":"
#define RESULT "\",\"result\":"
#define CONTEXT ",\"context\":{"

/* A byte before the line, since `result` is one letter longer than `event`. */
static char room[1 + (7 << 20)];

int main(int count, char **words) {
    int plain = count > 1 && !strcmp(words[1], "plain");
    (void)words;
    for (;;) {
        size_t held = 0;
        do {
            ssize_t got = read(0, room + 1 + held, sizeof room - 1 - held);
            if (got <= 0) return 0;
            held += got;
        } while (room[held] != '\n');

        char *line = room + 1, *end = line + held - strlen(CONTEXT);
        while (*line == ' ') line++; /* what our bridge asks for readiness with */
        while (memcmp(end, CONTEXT, strlen(CONTEXT))) end--;
        if (plain) {
            line += ID + strlen(EVENT);
        } else {
            memmove(line - 1, line, ID);
            line--;
            memcpy(line + ID, RESULT, strlen(RESULT));
            *end++ = '}';
        }
        *end++ = '\n';
        while (line < end) {
            ssize_t written = write(1, line, end - line);
            if (written <= 0) return 1;
            line += written;
        }
    }
}
