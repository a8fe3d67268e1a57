#include "shim.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// What of SQLite's interface is used here: it has not changed since 2010, and a
// shim of version 2 is all that WAL needs (sqlite3.h, "OS Interface").
typedef struct sqlite3_vfs sqlite3_vfs;
typedef struct sqlite3_file sqlite3_file;
typedef struct sqlite3_io_methods sqlite3_io_methods;
typedef long long int sqlite3_int64;

struct sqlite3_file { const sqlite3_io_methods *pMethods; };

struct sqlite3_io_methods {
	int iVersion;
	int (*xClose)(sqlite3_file *);
	int (*xRead)(sqlite3_file *, void *, int, sqlite3_int64);
	int (*xWrite)(sqlite3_file *, const void *, int, sqlite3_int64);
	int (*xTruncate)(sqlite3_file *, sqlite3_int64);
	int (*xSync)(sqlite3_file *, int);
	int (*xFileSize)(sqlite3_file *, sqlite3_int64 *);
	int (*xLock)(sqlite3_file *, int);
	int (*xUnlock)(sqlite3_file *, int);
	int (*xCheckReservedLock)(sqlite3_file *, int *);
	int (*xFileControl)(sqlite3_file *, int, void *);
	int (*xSectorSize)(sqlite3_file *);
	int (*xDeviceCharacteristics)(sqlite3_file *);
	int (*xShmMap)(sqlite3_file *, int, int, int, void volatile **);
	int (*xShmLock)(sqlite3_file *, int, int, int);
	void (*xShmBarrier)(sqlite3_file *);
	int (*xShmUnmap)(sqlite3_file *, int);
};

struct sqlite3_vfs {
	int iVersion, szOsFile, mxPathname;
	sqlite3_vfs *pNext;
	const char *zName;
	void *pAppData;
	int (*xOpen)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);
	int (*xDelete)(sqlite3_vfs *, const char *, int);
	int (*xAccess)(sqlite3_vfs *, const char *, int, int *);
	int (*xFullPathname)(sqlite3_vfs *, const char *, int, char *);
	void *(*xDlOpen)(sqlite3_vfs *, const char *);
	void (*xDlError)(sqlite3_vfs *, int, char *);
	void (*(*xDlSym)(sqlite3_vfs *, void *, const char *))(void);
	void (*xDlClose)(sqlite3_vfs *, void *);
	int (*xRandomness)(sqlite3_vfs *, int, char *);
	int (*xSleep)(sqlite3_vfs *, int);
	int (*xCurrentTime)(sqlite3_vfs *, double *);
	int (*xGetLastError)(sqlite3_vfs *, int, char *);
	int (*xCurrentTimeInt64)(sqlite3_vfs *, sqlite3_int64 *);
};

// Weak, so that this package can be linked by itself, as the build of a package
// that uses C does; the program's own link finds them in the driver.
extern int sqlite3_vfs_register(sqlite3_vfs *, int) __attribute__((weak));
extern sqlite3_vfs *sqlite3_vfs_find(const char *) __attribute__((weak));

enum { OK = 0, IOERR = 10, FULL = 13, CANTOPEN = 14, OPEN_CREATE = 4, ACCESS_EXISTS = 0 };
enum { EREAD = 266, EWRITE = 778, EFSYNC = 1034, ETRUNCATE = 1546, EFSTAT = 1802, EDELETE = 2570, ESHMMAP = 5386 };

static sqlite3_vfs *base;
static sqlite3_vfs shim;

// What is written down, and what is to fail. All of it under mu.
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static char *prefix;
static pc_op *ops;
static int count, room;
static int64_t done, fail_at;
static int fail_forever, fail_how;

typedef struct {
	sqlite3_file head;
	char *name; // NULL: not recorded
	sqlite3_file *real;
} shim_file;

static int recorded(const char *name) {
	return prefix != NULL && name != NULL && strncmp(name, prefix, strlen(prefix)) == 0;
}

static void *must(void *p) {
	if (p == NULL) abort();
	return p;
}

// keep appends an operation. mu is held.
static void keep(int kind, int failed, const char *name, int64_t offset, const void *data, int n) {
	if (count == room) {
		room = room ? 2 * room : 1024;
		ops = must(realloc(ops, (size_t)room * sizeof *ops));
	}
	pc_op *op = &ops[count++];
	op->kind = kind, op->failed = failed, op->offset = offset, op->n = n;
	op->name = must(strdup(name));
	op->data = NULL;
	if (n > 0) op->data = memcpy(must(malloc((size_t)n)), data, (size_t)n);
}

// known reports whether a file has been written down. mu is held.
static int known(const char *name) {
	for (int i = 0; i < count; i++)
		if (strcmp(ops[i].name, name) == 0) return 1;
	return 0;
}

// keep_whole writes down a file that was there before SQLite opened it, as one that is
// on the disk: whoever made it has seen to that. mu is held.
static int keep_whole(shim_file *s) {
	sqlite3_int64 size = 0;
	int rc = s->real->pMethods->xFileSize(s->real, &size);
	if (rc != OK || size == 0) return rc;
	void *text = must(malloc((size_t)size));
	rc = s->real->pMethods->xRead(s->real, text, (int)size, 0);
	if (rc == OK) keep(PC_THERE, 0, s->name, 0, text, (int)size);
	free(text);
	return rc;
}

// fails counts an operation that could fail, and reports whether it does. mu is held.
static int fails(int kind) {
	if (fail_how == PC_SYNCS && kind != PC_SYNC) return 0;
	done++;
	if (fail_at == 0 || (fail_forever ? done < fail_at : done != fail_at)) return 0;
	errno = fail_how == PC_FULL || fail_how == PC_HALF ? ENOSPC : EIO;
	return 1;
}

// hit is fails for operations that leave nothing on the disk.
static int hit(const char *name) {
	if (name == NULL) return 0;
	pthread_mutex_lock(&mu);
	int f = prefix != NULL && fails(PC_READ);
	pthread_mutex_unlock(&mu);
	return f;
}

static int f_close(sqlite3_file *f) {
	shim_file *s = (shim_file *)f;
	int rc = s->real->pMethods ? s->real->pMethods->xClose(s->real) : OK;
	free(s->name);
	s->name = NULL;
	return rc;
}

static int f_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at) {
	shim_file *s = (shim_file *)f;
	if (hit(s->name)) return EREAD;
	return s->real->pMethods->xRead(s->real, to, n, at);
}

static int f_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at) {
	shim_file *s = (shim_file *)f;
	if (s->name == NULL) return s->real->pMethods->xWrite(s->real, from, n, at);
	pthread_mutex_lock(&mu);
	int rc, written = n, failed = prefix != NULL && fails(PC_WRITE);
	if (failed) written = fail_how == PC_HALF ? n / 2 : 0;
	rc = written > 0 ? s->real->pMethods->xWrite(s->real, from, written, at) : OK;
	if (prefix != NULL && written > 0) keep(PC_WRITE, failed || rc != OK, s->name, at, from, written);
	if (failed) rc = fail_how == PC_EIO ? EWRITE : FULL;
	pthread_mutex_unlock(&mu);
	return rc;
}

static int f_truncate(sqlite3_file *f, sqlite3_int64 size) {
	shim_file *s = (shim_file *)f;
	if (hit(s->name)) return ETRUNCATE;
	int rc = s->real->pMethods->xTruncate(s->real, size);
	if (s->name != NULL && rc == OK) {
		pthread_mutex_lock(&mu);
		if (prefix != NULL) keep(PC_TRUNCATE, 0, s->name, size, NULL, 0);
		pthread_mutex_unlock(&mu);
	}
	return rc;
}

// f_sync syncs nothing: the cut is played from what is written down.
static int f_sync(sqlite3_file *f, int flags) {
	shim_file *s = (shim_file *)f;
	if (s->name == NULL) return s->real->pMethods->xSync(s->real, flags);
	pthread_mutex_lock(&mu);
	int failed = prefix != NULL && fails(PC_SYNC);
	if (prefix != NULL) keep(PC_SYNC, failed, s->name, 0, NULL, 0);
	pthread_mutex_unlock(&mu);
	return failed ? EFSYNC : OK;
}

static int f_size(sqlite3_file *f, sqlite3_int64 *size) {
	shim_file *s = (shim_file *)f;
	if (hit(s->name)) return EFSTAT;
	return s->real->pMethods->xFileSize(s->real, size);
}

static int f_shm_map(sqlite3_file *f, int i, int n, int extend, void volatile **p) {
	shim_file *s = (shim_file *)f;
	if (hit(s->name)) {
		*p = NULL;
		return ESHMMAP;
	}
	return s->real->pMethods->xShmMap(s->real, i, n, extend, p);
}

#define REAL(f) (((shim_file *)(f))->real)
static int f_lock(sqlite3_file *f, int l) { return REAL(f)->pMethods->xLock(REAL(f), l); }
static int f_unlock(sqlite3_file *f, int l) { return REAL(f)->pMethods->xUnlock(REAL(f), l); }
static int f_reserved(sqlite3_file *f, int *r) { return REAL(f)->pMethods->xCheckReservedLock(REAL(f), r); }
static int f_control(sqlite3_file *f, int op, void *p) { return REAL(f)->pMethods->xFileControl(REAL(f), op, p); }
static int f_sector(sqlite3_file *f) { return REAL(f)->pMethods->xSectorSize(REAL(f)); }
static int f_device(sqlite3_file *f) { return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f)); }
static int f_shm_lock(sqlite3_file *f, int o, int n, int l) { return REAL(f)->pMethods->xShmLock(REAL(f), o, n, l); }
static void f_shm_barrier(sqlite3_file *f) { REAL(f)->pMethods->xShmBarrier(REAL(f)); }
static int f_shm_unmap(sqlite3_file *f, int d) { return REAL(f)->pMethods->xShmUnmap(REAL(f), d); }

static const sqlite3_io_methods methods = {
	2, f_close, f_read, f_write, f_truncate, f_sync, f_size, f_lock, f_unlock, f_reserved,
	f_control, f_sector, f_device, f_shm_map, f_shm_lock, f_shm_barrier, f_shm_unmap,
};

static int v_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out) {
	(void)v;
	shim_file *s = (shim_file *)f;
	s->head.pMethods = NULL;
	s->real = (sqlite3_file *)(s + 1);
	s->real->pMethods = NULL;
	s->name = NULL;
	pthread_mutex_lock(&mu);
	int mine = recorded(name), there = 1, failed = mine && fails(PC_OPEN);
	if (mine && (flags & OPEN_CREATE)) base->xAccess(base, name, ACCESS_EXISTS, &there);
	int rc = failed ? CANTOPEN : base->xOpen(base, name, s->real, flags, out);
	if (rc == OK && mine) {
		s->name = must(strdup(name));
		if (!there) keep(PC_CREATE, 0, name, 0, NULL, 0);
		else if (!known(name)) rc = keep_whole(s);
	}
	pthread_mutex_unlock(&mu);
	if (s->real->pMethods) s->head.pMethods = &methods;
	return rc;
}

static int v_delete(sqlite3_vfs *v, const char *name, int sync) {
	(void)v;
	pthread_mutex_lock(&mu);
	int mine = recorded(name), failed = mine && fails(PC_DELETE);
	int rc = failed ? EDELETE : base->xDelete(base, name, 0);
	if (mine && rc == OK) keep(PC_DELETE, 0, name, sync != 0, NULL, 0);
	pthread_mutex_unlock(&mu);
	return rc;
}

static int v_access(sqlite3_vfs *v, const char *name, int flags, int *out) {
	(void)v;
	return base->xAccess(base, name, flags, out);
}

static int v_full(sqlite3_vfs *v, const char *name, int n, char *out) {
	(void)v;
	return base->xFullPathname(base, name, n, out);
}

static int v_randomness(sqlite3_vfs *v, int n, char *out) {
	(void)v;
	return base->xRandomness(base, n, out);
}

static int v_sleep(sqlite3_vfs *v, int us) {
	(void)v;
	return base->xSleep(base, us);
}

static int v_time(sqlite3_vfs *v, double *t) {
	(void)v;
	return base->xCurrentTime(base, t);
}

static int v_last_error(sqlite3_vfs *v, int n, char *out) {
	(void)v;
	return base->xGetLastError(base, n, out);
}

static int v_time64(sqlite3_vfs *v, sqlite3_int64 *t) {
	(void)v;
	return base->xCurrentTimeInt64(base, t);
}

int pc_install(void) {
	if (base != NULL) return OK;
	if (!sqlite3_vfs_find || !sqlite3_vfs_register) return 1;
	base = sqlite3_vfs_find(NULL);
	if (base == NULL) return 1;
	shim.iVersion = 2;
	shim.szOsFile = (int)sizeof(shim_file) + base->szOsFile;
	shim.mxPathname = base->mxPathname;
	shim.zName = "powercut";
	shim.xOpen = v_open, shim.xDelete = v_delete, shim.xAccess = v_access, shim.xFullPathname = v_full;
	shim.xRandomness = v_randomness, shim.xSleep = v_sleep, shim.xCurrentTime = v_time;
	shim.xGetLastError = v_last_error, shim.xCurrentTimeInt64 = v_time64;
	return sqlite3_vfs_register(&shim, 1);
}

void pc_record(const char *p) {
	pthread_mutex_lock(&mu);
	for (int i = 0; i < count; i++) {
		free(ops[i].name);
		free(ops[i].data);
	}
	count = 0, done = 0, fail_at = 0, fail_how = PC_EIO;
	free(prefix);
	prefix = *p ? must(strdup(p)) : NULL;
	pthread_mutex_unlock(&mu);
}

void pc_fail(int64_t at, int forever, int how) {
	pthread_mutex_lock(&mu);
	fail_at = at, fail_forever = forever, fail_how = how;
	pthread_mutex_unlock(&mu);
}

int64_t pc_done(void) {
	pthread_mutex_lock(&mu);
	int64_t n = done;
	pthread_mutex_unlock(&mu);
	return n;
}

void pc_mark(const char *text) {
	pthread_mutex_lock(&mu);
	if (prefix != NULL) keep(PC_MARK, 0, text, 0, NULL, 0);
	pthread_mutex_unlock(&mu);
}

int pc_count(void) {
	pthread_mutex_lock(&mu);
	int n = count;
	pthread_mutex_unlock(&mu);
	return n;
}

const pc_op *pc_at(int i) { return &ops[i]; }
