package queue

import (
	"container/heap"
	"time"
)

// wakeAt is when time alone changes something for e, or the zero time for never.
func (e *entry) wakeAt() time.Time {
	switch {
	case e.row.State.Final():
		return time.Time{}
	case e.row.State == Unresolved && e.calling != None:
		return time.Time{}
	case e.row.State == Unresolved:
		return e.row.Due
	case e.calling != None || e.row.Deadline.Before(e.row.Due):
		return e.row.Deadline
	}
	return e.row.Due
}

// agenda is a heap of entries, the next to wake first.
type agenda []*entry

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].wake.Before(a[j].wake) }

func (a agenda) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].index, a[j].index = i, j
}

func (a *agenda) Push(x any) {
	e := x.(*entry)
	e.index = len(*a)
	*a = append(*a, e)
}

func (a *agenda) Pop() any {
	last := len(*a) - 1
	e := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	e.index = -1
	return e
}

// put files e under its time, or takes it out where it has none.
func (a *agenda) put(e *entry) {
	e.wake = e.wakeAt()
	never := e.wake.IsZero()
	switch {
	case e.index >= 0 && never:
		heap.Remove(a, e.index)
	case e.index >= 0:
		heap.Fix(a, e.index)
	case !never:
		heap.Push(a, e)
	}
}
