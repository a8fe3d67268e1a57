// Package powercut is here for tests alone: it pulls the plug on a store, at every
// moment, and looks at what is left.
//
// A process's storage operations are written down, together with marks that say
// what the process promised when: by a VFS under SQLite inside a test ([Install]),
// or by strace around the unmodified program ([ParseTrace]). [Cut] then builds the
// files as a power cut could leave them after any of these operations: what was
// synced is there; of the rest everything, nothing, some, some sectors, or some blocks
// and garbage in others.
//
// The VFS can also fail any operation, once or from then on.
package powercut
