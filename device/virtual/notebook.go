package virtual

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// ErrOtherSale says that an id is in the notebook for a sale with other content.
var ErrOtherSale = errors.New("this id already names another sale: take a new one")

// Sale is what a till wants to be paid.
type Sale struct {
	ID          string `json:"id"`     // the paymentRequestId: 1 to 64 of A-Z a-z 0-9 _
	Method      string `json:"method"` // the paymentMethod, such as ALIPAY_CN
	AmountMinor int64  `json:"amountMinor"`
	Currency    string `json:"currency"`           // three letters of ISO 4217
	WindowMs    int64  `json:"windowMs,omitempty"` // the payment window in ms; 0 leaves it to the agent
}

// sameContent compares what makes a payment: the window does not
// (register-link §4 rule 3).
func (s Sale) sameContent(other Sale) bool {
	s.WindowMs = other.WindowMs
	return s == other
}

// Notebook is a till's memory: a file of one JSON object a line, each synced
// before the call that wrote it returns. It says which sales were meant, what
// became of them, and what the agent knows that we know. It is safe for
// concurrent use, but a file belongs to one Notebook at a time.
type Notebook struct {
	mu    sync.Mutex
	file  *os.File
	pages map[string]page
	ids   []string // in the order they were written
}

// page is what the notebook says of one id.
type page struct {
	sale      Sale // zero for an outcome of a payment that was not noted here
	outcome   *PaymentState
	delivered int64  // the rev that was confirmed, 0 for none
	refused   string // the code of the refusal that ended it, "" for none
}

// entry is one line of the file. One of its members is set.
type entry struct {
	Sale      *Sale         `json:"sale,omitempty"`
	Outcome   *PaymentState `json:"outcome,omitempty"`
	Delivered *mark         `json:"delivered,omitempty"`
	Refused   *mark         `json:"refused,omitempty"`
}

type mark struct {
	ID   string `json:"id"`
	Rev  int64  `json:"rev,omitempty"`
	Code string `json:"code,omitempty"`
}

// OpenNotebook opens or makes the file at path and reads it. What a power cut
// left of a last line is taken off: its writer had not been told it was written.
func OpenNotebook(path string) (*Notebook, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open notebook: %w", err)
	}
	n := &Notebook{file: file, pages: map[string]page{}}
	if err := n.load(path); err != nil {
		_ = file.Close() // The error that matters is the first one.
		return nil, fmt.Errorf("open notebook %s: %w", path, err)
	}
	return n, nil
}

func (n *Notebook) load(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	for i, line := range bytes.Split(text[:whole], []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("line %d: %w: move the file aside and settle its sales by hand", i+1, err)
		}
		n.turn(e)
	}
	if err := n.file.Truncate(int64(whole)); err != nil {
		return err
	}
	return errors.Join(n.file.Sync(), syncDir(filepath.Dir(path)))
}

// syncDir makes the name of a new file durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// turn puts an entry on its page.
func (n *Notebook) turn(e entry) {
	switch {
	case e.Sale != nil:
		n.put(e.Sale.ID, func(p *page) { p.sale, p.refused = *e.Sale, "" })
	case e.Outcome != nil:
		n.put(e.Outcome.PaymentRequestID, func(p *page) { p.outcome = e.Outcome })
	case e.Delivered != nil:
		n.put(e.Delivered.ID, func(p *page) { p.delivered = e.Delivered.Rev })
	case e.Refused != nil:
		n.put(e.Refused.ID, func(p *page) { p.refused = e.Refused.Code })
	}
}

func (n *Notebook) put(id string, change func(*page)) {
	p, ok := n.pages[id]
	if !ok {
		n.ids = append(n.ids, id)
	}
	change(&p)
	n.pages[id] = p
}

// write makes an entry durable, and only then believes it itself. After an
// error the file may hold the line or a part of it, so the part is taken off.
func (n *Notebook) write(e entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	before, err := n.file.Stat()
	if err != nil {
		return err
	}
	if _, err = n.file.Write(append(line, '\n')); err == nil {
		err = n.file.Sync()
	}
	if err != nil {
		return errors.Join(err, n.file.Truncate(before.Size()))
	}
	n.turn(e)
	return nil
}

// Intend writes a sale down, before anything of it is sent. Known says that it
// was here already and not refused, so that the agent may have it: ask first.
// The same id for other content is ErrOtherSale.
func (n *Notebook) Intend(s Sale) (known bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s.ID == "" {
		return false, errors.New("note sale: it has no id, and without one nothing can be asked")
	}
	p := n.pages[s.ID]
	if p.sale.ID != "" && !p.sale.sameContent(s) {
		return true, fmt.Errorf("note sale %s: %w", s.ID, ErrOtherSale)
	}
	if p.sale.ID != "" && p.refused == "" {
		return true, nil
	}
	if err := n.write(entry{Sale: &s}); err != nil {
		return false, fmt.Errorf("note sale %s: %w", s.ID, err)
	}
	return p.outcome != nil, nil
}

// Store keeps a final state. The same or a later rev being there, it does nothing.
func (n *Notebook) Store(s PaymentState) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if had := n.pages[s.PaymentRequestID].outcome; had != nil && had.Rev >= s.Rev {
		return nil
	}
	if err := n.write(entry{Outcome: &s}); err != nil {
		return fmt.Errorf("store outcome of %s: %w", s.PaymentRequestID, err)
	}
	return nil
}

// MarkDelivered keeps that the agent knows we have stored rev.
func (n *Notebook) MarkDelivered(id string, rev int64) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.write(entry{Delivered: &mark{ID: id, Rev: rev}}); err != nil {
		return fmt.Errorf("note delivery of %s: %w", id, err)
	}
	return nil
}

// MarkRefused keeps that a sale was refused and nothing was done because of it.
func (n *Notebook) MarkRefused(id, code string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.write(entry{Refused: &mark{ID: id, Code: code}}); err != nil {
		return fmt.Errorf("note refusal of %s: %w", id, err)
	}
	return nil
}

// Outcome is the final state stored for an id, if there is one, and whether the
// agent has been told that it is stored.
func (n *Notebook) Outcome(id string) (state PaymentState, delivered, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.pages[id]
	if p.outcome == nil {
		return PaymentState{}, false, false
	}
	return *p.outcome, p.delivered >= p.outcome.Rev, true
}

// Unsettled are the sales without an outcome or a refusal, or whose outcome is
// not delivered, oldest first: those to take up after a restart.
func (n *Notebook) Unsettled() []Sale {
	n.mu.Lock()
	defer n.mu.Unlock()
	var sales []Sale
	for _, id := range n.ids {
		p := n.pages[id]
		open := p.outcome == nil && p.refused == ""
		untold := p.outcome != nil && p.delivered < p.outcome.Rev
		if p.sale.ID != "" && (open || untold) {
			sales = append(sales, p.sale)
		}
	}
	return sales
}

// Close closes the file.
func (n *Notebook) Close() error { return n.file.Close() }
