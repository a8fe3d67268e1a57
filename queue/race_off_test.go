//go:build !race

package queue

// raced says that the race detector is on.
const raced = false
