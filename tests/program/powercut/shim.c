/* What a process does to the files of one directory, and what it sends, written down in one order.
 *
 * LD_PRELOAD it with POWERCUT_DIR (the directory, without symbolic links) and POWERCUT_LOG (a file elsewhere). disk.rs
 * reads the log, and says there what of it survives a power cut.
 *
 * The order of the log is what makes it worth anything:
 * - A change of a file and its record happen under one lock, the record first.
 * - A flush does not hold the lock, since others write and send meanwhile. Its record comes after it, and says how many
 *   records there were when it began: only those are on the disk.
 * - What is sent is written down before it is sent: nobody can have heard of it earlier.
 *
 * It knows the calls that SQLite and the Rust standard library make. The test compares what the log leads to with the
 * real directory, so that a call that passes by here is found out. The file -shm is left out: it is mapped memory, and
 * SQLite makes it anew. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { CREATED = 1, REMOVED, WRITTEN, RESIZED, FLUSHED, NAMES_FLUSHED, SENT };

struct record {
    uint64_t kind;
    uint64_t file;  /* its inode */
    uint64_t value; /* where it is written, how long it becomes, or how many records a flush covers */
    uint64_t bytes; /* that follow: a name, what is written, what is sent */
};

#define FDS 4096
#define THE_DIRECTORY UINT64_MAX
/* The wake-ups of signal handlers are shorter than any request, and a handler must not take the lock. */
#define SHORTEST_REQUEST 16

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char directory[4096];
static size_t directory_len;
static int log_fd = -1;
static uint64_t records;
static uint64_t file_of[FDS]; /* 0 where it is none of ours */

__attribute__((constructor)) static void begin(void) {
    const char *dir = getenv("POWERCUT_DIR"), *log = getenv("POWERCUT_LOG");
    if (!dir || !log) return;
    directory_len = (size_t)snprintf(directory, sizeof directory, "%s", dir);
    log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0) abort();
}

/* With the lock held. */
static void tell(enum kind kind, uint64_t file, uint64_t value, const void *bytes, size_t len) {
    struct record record = {kind, file, value, len};
    struct iovec parts[2] = {{&record, sizeof record}, {(void *)bytes, len}};
    if (syscall(SYS_writev, log_fd, parts, 2) != (long)(sizeof record + len)) abort();
    records++;
}

/* The name below the directory, "" for the directory itself, and null for what is none of ours. */
static const char *name_of(const char *path) {
    if (log_fd < 0 || strncmp(path, directory, directory_len) != 0) return NULL;
    const char *rest = path + directory_len;
    if (*rest == 0 || strcmp(rest, "/") == 0) return "";
    size_t len = strlen(rest);
    if (*rest != '/' || (len > 4 && strcmp(rest + len - 4, "-shm") == 0)) return NULL;
    return rest + 1;
}

static uint64_t tracked(int fd) { return fd >= 0 && fd < FDS ? file_of[fd] : 0; }

static int open_at(int at, const char *path, int flags, mode_t mode) {
    const char *name = at == AT_FDCWD || *path == '/' ? name_of(path) : NULL;
    if (!name) return (int)syscall(SYS_openat, at, path, flags, mode);
    pthread_mutex_lock(&lock);
    int was_there = syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0;
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    struct stat stat;
    if (fd >= FDS) abort();
    if (fd >= 0 && fstat(fd, &stat) == 0) {
        file_of[fd] = *name ? stat.st_ino : THE_DIRECTORY;
        if (!was_there) tell(CREATED, stat.st_ino, 0, name, strlen(name));
        else if (flags & O_TRUNC) tell(RESIZED, stat.st_ino, 0, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

#define OPEN_MODE(flags)                      \
    mode_t mode = 0;                          \
    if (flags & (O_CREAT | O_TMPFILE)) {      \
        va_list rest;                         \
        va_start(rest, flags);                \
        mode = (mode_t)va_arg(rest, int);     \
        va_end(rest);                         \
    }
int open(const char *path, int flags, ...) { OPEN_MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { OPEN_MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { OPEN_MODE(flags) return open_at(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { OPEN_MODE(flags) return open_at(at, path, flags, mode); }

int close(int fd) {
    if (tracked(fd)) file_of[fd] = 0;
    return (int)syscall(SYS_close, fd);
}

static ssize_t write_at(int fd, const void *bytes, size_t len, off_t at, int moves) {
    pthread_mutex_lock(&lock);
    tell(WRITTEN, tracked(fd), (uint64_t)at, bytes, len);
    long done = moves ? syscall(SYS_write, fd, bytes, len) : syscall(SYS_pwrite64, fd, bytes, len, at);
    if (done != (long)len) abort(); /* The log says otherwise. */
    pthread_mutex_unlock(&lock);
    return done;
}

static void sends(const void *bytes, size_t len) {
    if (log_fd < 0 || len < SHORTEST_REQUEST) return;
    pthread_mutex_lock(&lock);
    tell(SENT, 0, 0, bytes, len);
    pthread_mutex_unlock(&lock);
}

static int is_socket(int fd) {
    struct stat stat;
    return log_fd >= 0 && fstat(fd, &stat) == 0 && S_ISSOCK(stat.st_mode);
}

ssize_t write(int fd, const void *bytes, size_t len) {
    if (tracked(fd)) return write_at(fd, bytes, len, lseek(fd, 0, SEEK_CUR), 1);
    if (is_socket(fd)) sends(bytes, len);
    return syscall(SYS_write, fd, bytes, len);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at) {
    if (tracked(fd)) return write_at(fd, bytes, len, at, 0);
    return syscall(SYS_pwrite64, fd, bytes, len, at);
}
ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at) { return pwrite64(fd, bytes, len, at); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
    for (int i = 0; is_socket(fd) && i < count; i++) sends(parts[i].iov_base, parts[i].iov_len);
    return syscall(SYS_writev, fd, parts, count);
}

ssize_t sendto(int fd, const void *bytes, size_t len, int flags, const struct sockaddr *to, socklen_t to_len) {
    sends(bytes, len);
    return syscall(SYS_sendto, fd, bytes, len, flags, to, to_len);
}
ssize_t send(int fd, const void *bytes, size_t len, int flags) { return sendto(fd, bytes, len, flags, NULL, 0); }

int ftruncate64(int fd, off64_t size) {
    if (!tracked(fd)) return (int)syscall(SYS_ftruncate, fd, size);
    pthread_mutex_lock(&lock);
    tell(RESIZED, tracked(fd), (uint64_t)size, NULL, 0);
    int result = (int)syscall(SYS_ftruncate, fd, size);
    if (result != 0) abort();
    pthread_mutex_unlock(&lock);
    return result;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int flush(int fd, long call) {
    uint64_t file = tracked(fd);
    if (!file) return (int)syscall(call, fd);
    pthread_mutex_lock(&lock);
    uint64_t covers = records;
    pthread_mutex_unlock(&lock);
    int result = (int)syscall(call, fd);
    pthread_mutex_lock(&lock);
    if (result == 0) tell(file == THE_DIRECTORY ? NAMES_FLUSHED : FLUSHED, file, covers, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}
int fsync(int fd) { return flush(fd, SYS_fsync); }
int fdatasync(int fd) { return flush(fd, SYS_fdatasync); }

int unlinkat(int at, const char *path, int flags) {
    const char *name = name_of(path);
    if (!name) return (int)syscall(SYS_unlinkat, at, path, flags);
    pthread_mutex_lock(&lock);
    int was_there = syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0;
    if (was_there) tell(REMOVED, 0, 0, name, strlen(name));
    int result = (int)syscall(SYS_unlinkat, at, path, flags);
    if (was_there && result != 0) abort();
    pthread_mutex_unlock(&lock);
    return result;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }

int rename(const char *from, const char *to) {
    if (name_of(from) || name_of(to)) abort(); /* Nothing here does that; the log would have to learn it. */
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}
