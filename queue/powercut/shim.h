// A VFS that writes down what SQLite does to its files, and fails where it is told
// to. It wraps the one that was the default before it.
#ifndef POWERCUT_SHIM_H
#define POWERCUT_SHIM_H

#include <stdint.h>

// Kinds of operations, the same as in ops.go.
enum { PC_MARK, PC_CREATE, PC_WRITE, PC_TRUNCATE, PC_SYNC, PC_DELETE, PC_THERE, PC_OPEN, PC_READ, PC_SIZE, PC_SHM };

// What a failing disk says.
enum { PC_EIO, PC_FULL, PC_HALF, PC_SYNCS };

typedef struct pc_op {
	int kind;
	int failed;
	int64_t offset; // of a write; the new size of a truncate; of a delete, 1: with the folder's sync
	int n;
	char *name;
	unsigned char *data;
} pc_op;

int pc_install(void);                            // 0, or a code of SQLite's
void pc_record(const char *prefix);              // begin afresh: files whose path begins so; "": record nothing
void pc_fail(int64_t at, int forever, int how);  // fail the operation with number at, from 1; 0: none
int64_t pc_done(void);                           // operations that could have failed, so far
void pc_mark(const char *text);
int pc_count(void);
const pc_op *pc_at(int i);                       // valid until the next pc_record
#endif
