//go:build !race

package powercut

// raced says that the race detector is on.
const raced = false
