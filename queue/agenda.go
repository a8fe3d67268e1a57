package queue

import "container/heap"

// agenda is a heap of items, the next to wake first.
type agenda []item

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].base().wake.Before(a[j].base().wake) }

func (a agenda) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].base().index, a[j].base().index = i, j
}

func (a *agenda) Push(x any) {
	it := x.(item)
	it.base().index = len(*a)
	*a = append(*a, it)
}

func (a *agenda) Pop() any {
	last := len(*a) - 1
	it := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	it.base().index = -1
	return it
}

// put files an item under its time, or takes it out where it has none.
func (a *agenda) put(it item) {
	e := it.base()
	e.wake = it.wakeAt()
	switch {
	case e.index >= 0 && e.wake.IsZero():
		heap.Remove(a, e.index)
	case e.index >= 0:
		heap.Fix(a, e.index)
	case !e.wake.IsZero():
		heap.Push(a, it)
	}
}
