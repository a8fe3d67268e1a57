package powercut

// Kind is what an operation does.
type Kind int

// The kinds of operations, the same as in shim.h; those after There are never
// recorded, or come from a trace alone.
const (
	Mark Kind = iota // no operation: something was promised, Name says what
	Create
	Write
	Truncate // to the size Offset
	Sync     // of one file
	Delete   // Offset 1: and its folder is synced
	There    // no operation: the file was on the disk before, with Data
)

// The kinds that only a trace has.
const (
	Rename  Kind = 100 + iota // from Name to To
	SyncDir                   // Name is the folder
	Copy                      // Offset bytes from the beginning of Name to the end of To
)

// Op is one operation of a process on its files.
type Op struct {
	Kind   Kind
	Name   string // the path, or a mark's text
	To     string // of a Rename
	Offset int64
	Data   []byte
	Failed bool // what was written may be there or not; what was to be synced may be lost
}
