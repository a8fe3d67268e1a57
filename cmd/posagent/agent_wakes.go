package main

import "sync"

// wakes holds, for each register, the channel that says: look again. A wake-up is
// a hint; the rows are the truth.
type wakes struct {
	mu sync.Mutex
	of map[string]chan struct{}
}

// channel is a register's, made where there is none yet.
func (w *wakes) channel(register string) chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.of == nil {
		w.of = map[string]chan struct{}{}
	}
	if w.of[register] == nil {
		w.of[register] = make(chan struct{}, 1)
	}
	return w.of[register]
}

// forget lets go of a register that is no longer served.
func (w *wakes) forget(register string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.of, register)
}

// wake never blocks: one hint that is not taken yet is as good as two. A register
// that is no longer configured has nobody to wake.
func (w *wakes) wake(register string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	hint(w.of[register])
}

func (w *wakes) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.of {
		hint(c)
	}
}

// hint never blocks. A nil channel takes none.
func hint(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
