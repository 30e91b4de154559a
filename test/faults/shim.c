/* A disk that is full or broken, for one process, by LD_PRELOAD.
 *
 * FAULT        enospc: from the given change on, everything that needs room below FAULT_DIR fails
 *              eio:    that one change fails
 * FAULT_AFTER  how many changes below FAULT_DIR succeed before it: files made or written, folders, names
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static long changes;

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static int below(const char *path) {
  const char *folder = getenv("FAULT_DIR");
  return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static int is(const char *fault) {
  const char *asked = getenv("FAULT");
  return asked && strcmp(asked, fault) == 0;
}

static long after(void) { return atol(getenv("FAULT_AFTER") ? getenv("FAULT_AFTER") : "0"); }

/* Counts a change; the error with which it fails, or 0. */
static int fault(const char *path) {
  if (!below(path)) return 0;
  long number = __sync_add_and_fetch(&changes, 1);
  if (is("enospc") && number > after()) return ENOSPC;
  if (is("eio") && number == after() + 1) return EIO;
  return 0;
}

static int fault_of(int fd) {
  char link[64], path[PATH_MAX + 1];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX);
  if (length < 0) return 0;
  path[length] = 0;
  return fault(path);
}

#define FAIL(error) do { int code = (error); if (code) { errno = code; return -1; } } while (0)

ssize_t write(int fd, const void *data, size_t size) { REAL(write); FAIL(fault_of(fd)); return real(fd, data, size); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { REAL(pwrite); FAIL(fault_of(fd)); return real(fd, data, size, at); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { REAL(pwrite64); FAIL(fault_of(fd)); return real(fd, data, size, at); }
ssize_t writev(int fd, const struct iovec *parts, int count) { REAL(writev); FAIL(fault_of(fd)); return real(fd, parts, count); }
int mkdir(const char *path, mode_t mode) { REAL(mkdir); FAIL(fault(path)); return real(path, mode); }
int symlink(const char *to, const char *path) { REAL(symlink); FAIL(fault(path)); return real(to, path); }
int link(const char *from, const char *path) { REAL(link); FAIL(fault(path)); return real(from, path); }
/* A rename needs no room on most file systems: only a broken disk refuses it. */
int rename(const char *from, const char *path) { REAL(rename); if (is("eio")) FAIL(fault(path)); return real(from, path); }
int fsync(int fd) { REAL(fsync); if (is("eio")) FAIL(fault_of(fd)); return real(fd); }

static int opened(const char *name, const char *path, int flags, mode_t mode) {
  int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name);
  if (flags & O_CREAT && access(path, F_OK) != 0) FAIL(fault(path));
  return real(path, flags, mode);
}
#define MODE mode_t mode = 0; if (flags & O_CREAT) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }
int open(const char *path, int flags, ...) { MODE return opened("open", path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE return opened("open64", path, flags, mode); }
