package sandbox

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// Plan arms one cruelty for the next requests that match.
type Plan struct {
	Name      string        // of the cruelty
	Count     int           // how many requests; 0 means 1
	Duration  time.Duration // 0 means the cruelty's own
	Questions int           // 0 means the cruelty's own; with a Duration it is not used
	Path      string        // pay, inquiryPayment, …; empty means the cruelty's usual one
	ID        string        // only requests with this paymentRequestId, refundRequestId or refundId; empty means any
}

// Limits of a plan.
const (
	maxCount    = 1_000_000
	maxDuration = 24 * time.Hour
)

// armed is a cruelty with the numbers it is to use.
type armed struct {
	Cruelty
	duration  time.Duration
	questions int
}

// plans hold what is armed, in the order it was armed.
type plans struct {
	mu   sync.Mutex
	list []Plan
	mix  *mixer
}

// Arm arms a cruelty for the next requests that match. What was armed first is
// used up first; a request suffers one cruelty. An error says what is wrong
// with the plan, and then nothing is armed.
func (s *Server) Arm(p Plan) error {
	c, found := inBook(func(c Cruelty) bool { return c.Name == p.Name })
	switch {
	case !found:
		return fmt.Errorf("sandbox: there is no cruelty %q: GET /sandbox/cruelties lists them", p.Name)
	case p.Count < 0 || p.Count > maxCount:
		return fmt.Errorf("sandbox: %s: a count of %d is not within 1 and %d", p.Name, p.Count, maxCount)
	case p.Duration < 0 || p.Duration > maxDuration:
		return fmt.Errorf("sandbox: %s: a duration of %s is not within 0 and %s", p.Name, p.Duration, maxDuration)
	case p.Questions < 0 || p.Questions > maxCount:
		return fmt.Errorf("sandbox: %s: %d questions are not within 0 and %d", p.Name, p.Questions, maxCount)
	case p.Duration != 0 && c.Duration == 0 && c.Questions == 0:
		return fmt.Errorf("sandbox: %s takes no duration", p.Name)
	case p.Questions != 0 && c.Questions == 0:
		return fmt.Errorf("sandbox: %s takes no questions", p.Name)
	}
	if p.Path == "" {
		p.Path = c.Calls[0]
	}
	if !slices.Contains(c.Calls, p.Path) {
		return fmt.Errorf("sandbox: %s cannot be armed for %q, only for %s", p.Name, p.Path, strings.Join(c.Calls, ", "))
	}
	p.Count = max(p.Count, 1)
	s.plans.mu.Lock()
	defer s.plans.mu.Unlock()
	s.plans.list = append(s.plans.list, p)
	return nil
}

// Disarm forgets every armed plan, and lets connections in again. What has
// begun already, a hang or a payment in progress, runs to its end.
func (s *Server) Disarm() {
	s.plans.mu.Lock()
	defer s.plans.mu.Unlock()
	s.plans.list = nil
	s.gate.open()
}

// Armed returns the plans that are not used up, Count being what is left.
func (s *Server) Armed() []Plan {
	s.plans.mu.Lock()
	defer s.plans.mu.Unlock()
	return append([]Plan{}, s.plans.list...)
}

// pick finds the cruelty this request is to suffer: an armed one, else the one
// its amount calls, else one by chance. The amount counts only on the first pay
// request of its id.
func (c *call) pick() {
	first := c.name == callPay && c.s.ledger.countPay(c.req.PaymentRequestID) == 1
	if p, found := c.s.plans.match(c.name, c.req.id()); found {
		c.wield(p)
	} else if p, found := c.byAmount(); found && first && !c.s.options.PlainAmounts {
		c.wield(p)
	} else if p, found := c.s.plans.chance(c.name); found {
		c.wield(p)
	}
	c.event.Cruelty = c.armed.Name
}

func (c *call) byAmount() (Plan, bool) {
	ending := int(c.req.PaymentAmount.ValueMinor % 100)
	found, ok := inBook(func(b Cruelty) bool { return b.Ending != 0 && b.Ending == ending })
	return Plan{Name: found.Name}, ok
}

func (c *call) wield(p Plan) {
	c.armed.Cruelty, _ = inBook(func(b Cruelty) bool { return b.Name == p.Name }) // Arm has looked
	c.armed.duration, c.armed.questions = p.Duration, p.Questions
	if p.Duration == 0 && p.Questions == 0 {
		c.armed.duration, c.armed.questions = c.armed.Duration, c.armed.Questions
	}
}

// match uses up one request of the first plan that fits.
func (p *plans) match(name, id string) (Plan, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.list {
		found := p.list[i]
		if found.Path != name || found.ID != "" && found.ID != id {
			continue
		}
		if p.list[i].Count--; p.list[i].Count == 0 {
			p.list = slices.Delete(p.list, i, i+1)
		}
		return found, true
	}
	return Plan{}, false
}

// Mix makes requests suffer by chance. The same seed and the same order of
// requests give the same cruelties.
type Mix struct {
	Seed     uint64
	PerMille int           // how many requests in a thousand, 0 to 1000
	Names    []string      // which; empty means every one that breaks no pledge of Antom's
	Longest  time.Duration // cuts every duration down to this; 0 leaves them
}

type mixer struct {
	Mix
	book []Cruelty
	dice *rand.Rand // used under plans.mu
}

func newMixer(m *Mix) (*mixer, error) {
	if m == nil {
		return nil, nil
	}
	if m.PerMille < 0 || m.PerMille > 1000 {
		return nil, fmt.Errorf("sandbox: mix: %d per mille is not within 0 and 1000", m.PerMille)
	}
	x := &mixer{Mix: *m, dice: rand.New(rand.NewPCG(m.Seed, 0))}
	for _, name := range m.Names {
		if _, found := inBook(func(c Cruelty) bool { return c.Name == name }); !found {
			return nil, fmt.Errorf("sandbox: mix: there is no cruelty %q", name)
		}
	}
	for _, c := range Book() {
		if slices.Contains(m.Names, c.Name) || len(m.Names) == 0 && !c.BreaksPledge {
			x.book = append(x.book, c)
		}
	}
	return x, nil
}

func (p *plans) chance(name string) (Plan, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mix == nil || p.mix.dice.IntN(1000) >= p.mix.PerMille {
		return Plan{}, false
	}
	var fit []Cruelty
	for _, c := range p.mix.book {
		if slices.Contains(c.Calls, name) {
			fit = append(fit, c)
		}
	}
	if len(fit) == 0 {
		return Plan{}, false
	}
	c := fit[p.mix.dice.IntN(len(fit))]
	plan := Plan{Name: c.Name}
	if p.mix.Longest > 0 && c.Duration > 0 {
		plan.Duration = min(c.Duration, p.mix.Longest)
	}
	return plan, true
}
