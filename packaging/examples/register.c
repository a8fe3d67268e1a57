/* A cash register for posagent's register link, version 1, in C89 and termios.
 *
 *   cc -o register register.c
 *   ./register /dev/ttyUSB0 BOOK R03_000117 ALIPAY_CN 1050 SGD
 *
 * It sells one thing by the four rules: the id is in the file BOOK before it is
 * sent; silence is unknown; it asks; "delivered" is said once the outcome is in
 * the file. Run it again with the same words after a crash: it goes on where it
 * was. Exit 0: paid; 1: not paid; 2: refused, nothing was done; 3: unknown yet,
 * run it again. Amounts are in the currency's minor unit. */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>
#define BODY 4096 /* what the agent sends at most, unless maxBody was agreed */
enum { STX = 2, ETX = 3, ACK = 6, NAK = 21, T1 = 500, T2 = 1500, T3 = 3000, QUIET = 12000 };

static int port;
static const char *id;
static char body[BODY + 18], last[11], status[16], display[64];
static long rev;
static int final, seq;

static long now(void) /* milliseconds */
{
    struct timeval t;
    gettimeofday(&t, NULL);
    return (t.tv_sec % 1000000) * 1000L + t.tv_usec / 1000;
}

static int next_byte(long until) /* -1: none came */
{
    unsigned char c;
    fd_set set;
    struct timeval t;
    long left = until > now() ? until - now() : 0;
    t.tv_sec = left / 1000, t.tv_usec = left % 1000 * 1000;
    FD_ZERO(&set);
    FD_SET(port, &set);
    if (select(port + 1, &set, NULL, NULL, &t) <= 0) return -1;
    if (read(port, &c, 1) == 1) return c;
    fprintf(stderr, "the line is gone; run me again with the same id\n"), exit(3);
}

static void put(const char *bytes, size_t n)
{
    if (write(port, bytes, n) != (ssize_t)n) exit(3);
}

static unsigned long crc32(const char *p, size_t n)
{
    unsigned long crc = 0xFFFFFFFFUL;
    int bit;
    while (n-- > 0)
        for (crc ^= (unsigned char)*p++, bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xEDB88320UL : crc >> 1;
    return crc ^ 0xFFFFFFFFUL;
}

/* What stands behind "name": in a body. Inside strings quotes are escaped, so it is no text. */
static const char *member(const char *name)
{
    char key[40];
    const char *p = strstr(body, (sprintf(key, "\"%.30s\":", name), key));
    return p ? p + strlen(key) : "";
}

static int is(const char *name, const char *value)
{
    return strncmp(member(name), value, strlen(value)) == 0;
}

static int about_us(void)
{
    char quoted[70];
    sprintf(quoted, "\"%.64s\"", id);
    return is("paymentRequestId", quoted) && *member("paymentStatus");
}

static void take_state(void) /* a smaller rev is stale */
{
    if (!about_us() || atol(member("rev")) < rev) return;
    rev = atol(member("rev"));
    final = is("final", "true");
    sscanf(member("paymentStatus"), "\"%15[A-Z]", status);
    sscanf(member("display"), "[%60[^]]", display);
}

/* The rest of a frame, into body: 1 a new one, 0 damaged or known already. */
static int frame(void)
{
    static char raw[BODY + 18];
    char answer[4], check[9];
    size_t n = 0;
    int c, whole;
    while ((c = next_byte(now() + T1)) >= 0x20 && c <= 0x7E)
        if (n < sizeof raw - 1) raw[n++] = (char)c;
    if (c == STX) return frame();
    raw[n] = 0;
    sprintf(answer, "%c%.2s", ACK, n >= 3 ? raw + 1 : "00");
    if (n > 15) sprintf(check, "%08lX", crc32(raw, n - 8));
    whole = c == ETX && n > 15 && raw[0] == '1' && strcmp(check, raw + n - 8) == 0;
    if (!whole) answer[0] = NAK;
    put(answer, 3);
    if (!whole || (strncmp(last, raw + 1, 2) == 0 && strcmp(last + 2, check) == 0)) return 0;
    sprintf(last, "%.2s%s", raw + 1, check);
    sprintf(body, "%.*s", (int)(n - 15), raw + 7);
    take_state();
    return 1;
}

/* The next thing on the line: 'F' a frame, 'A' the ACK of ours, 'N' a NAK, 0 none. */
static int hear(long until)
{
    int c, high, low;
    while ((c = next_byte(until)) != -1) {
        if (c == STX && frame()) return 'F';
        if (c != ACK && c != NAK) continue;
        high = next_byte(now() + T1), low = next_byte(now() + T1);
        if (c == NAK) return 'N';
        if (high == "0123456789ABCDEF"[seq / 16] && low == "0123456789ABCDEF"[seq % 16]) return 'A';
    }
    return 0;
}

/* Sends a request; 1 with its response in body, 0 where its fate is unknown. */
static int request(const char *text)
{
    char raw[600], re[8];
    int sends, heard, acked = 0;
    long until;
    seq = strstr(text, "initConnection") ? 0 : seq % 255 + 1;
    if (seq == 0) last[0] = 0;
    sprintf(re, "\"%02X\"", seq);
    sprintf(raw, "%c1%02X%04u%s", STX, seq, (unsigned)strlen(text), text);
    sprintf(raw + strlen(raw), "%08lX%c", crc32(raw + 1, strlen(raw) - 1), ETX);
    for (sends = 0; sends < 3 && !acked; sends++) {
        put(raw, strlen(raw));
        for (until = now() + T2; (heard = hear(until)) != 0;) {
            if (heard == 'F' && is("re", re)) return 1; /* its ACK was lost */
            if (heard == 'A' && !acked) acked = 1, until = now() + T3;
            if (heard == 'N' && !acked) break;
        }
    }
    return 0;
}

static void note(FILE *book, const char *what, const char *more)
{
    fprintf(book, "%s %s %s\n", what, id, more);
    if (fflush(book) != 0 || fsync(fileno(book)) != 0) exit(3); /* not stored: not done */
}

static void open_port(const char *path)
{
    struct termios t;
    port = open(path, O_RDWR | O_NOCTTY);
    if (port < 0 || tcgetattr(port, &t) != 0) perror(path), exit(3);
    t.c_iflag = t.c_oflag = t.c_lflag = 0;
    t.c_cflag = CS8 | CREAD | CLOCAL;
    t.c_cc[VMIN] = 1, t.c_cc[VTIME] = 0;
    cfsetispeed(&t, B115200), cfsetospeed(&t, B115200);
    if (tcsetattr(port, TCSAFLUSH, &t) != 0) perror(path), exit(3);
}

int main(int argc, char **argv)
{
    char pay[400], ask[200], tell[200], line[200], meant[90], sum[20];
    int known = 0, linked = 0;
    FILE *book;
    if (argc != 7 || (book = fopen(argv[2], "a+")) == NULL) return fprintf(stderr, "usage: register PORT BOOK ID METHOD MINOR CURRENCY\n"), 2;
    id = argv[3];
    open_port(argv[1]);
    sprintf(meant, "sale %.64s ", id), sprintf(sum, "%.10s %.3s", argv[5], argv[6]);
    while (fgets(line, sizeof line, book))
        if (strncmp(line, meant, strlen(meant)) == 0 && ++known && strncmp(line + strlen(meant), sum, strlen(sum)) != 0)
            return printf("this id is in the book with another amount: take a new one\n"), 2;
    if (!known) note(book, "sale", sum); /* rule 1: the id is stored first */
    sprintf(pay, "{\"method\":\"pay\",\"paymentRequestId\":\"%.64s\",\"paymentMethod\":\"%.64s\",\"paymentAmount\":{\"value\":%.10s,\"currency\":\"%.3s\"}}", id, argv[4], argv[5], argv[6]);
    sprintf(ask, "{\"method\":\"inquiryPayment\",\"paymentRequestId\":\"%.64s\"}", id);
    while (!final) {
        if (!linked && !(linked = request("{\"method\":\"initConnection\",\"register\":\"example.c\"}"))) continue;
        if (!request(known ? ask : pay)) { linked = 0, known = 1; continue; } /* rules 2 and 3 */
        if (known && is("resultCode", "\"AGENT_NOT_FOUND\"")) { known = 0; continue; } /* never stored: the identical pay */
        if (!about_us() && is("resultStatus", "\"F\"") && !is("resultCode", "\"AGENT_S")) /* STORAGE, SHUTTING_DOWN pass */
            return printf("refused: %.200s\n", member("result")), is("resultCode", "\"DPOS_PAYMENT_REPEAT") ? 3 : 2; /* 3: the id may be paid */
        for (known |= about_us(); !final && hear(now() + QUIET) == 'F';) {} /* the agent tells by itself */
    }
    note(book, "outcome", status);
    sprintf(tell, "{\"method\":\"delivered\",\"paymentRequestId\":\"%.64s\",\"rev\":%ld}", id, rev);
    while (!request(tell) || !is("resultStatus", "\"S\"")) {} /* rule 4: after storing */
    printf("%s %s %s\n", id, status, display);
    return strcmp(status, "SUCCESS") == 0 ? 0 : 1;
}
