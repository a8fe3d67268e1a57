package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Handler answers the calls of version 2 under /openapi/v2/ and /v2/, and under
// /sandbox/ what the stand-in is asked about itself, in JSON:
//
//	GET    /sandbox/ledger     [Charge]
//	GET    /sandbox/payments   [Payment]
//	GET    /sandbox/refunds    [Refund]
//	GET    /sandbox/history    [Event]
//	GET    /sandbox/cruelties  {"book":[…],"armed":[…]}
//	POST   /sandbox/cruelties  {"name":…,"count":n,"duration":"2s","questions":n,"path":"pay","id":…}
//	DELETE /sandbox/cruelties  disarms everything
//
// All members of the POST but name are optional; bad ones get 400 and
// {"error":…}. A request from another machine gets 403.
func (s *Server) Handler() http.Handler {
	control := s.control()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !fromLoopback(r):
			complain(w, http.StatusForbidden, errors.New("the stand-in serves loopback only"))
		case strings.HasPrefix(r.URL.Path, "/openapi/v2/"):
			s.gateway(w, r, "/openapi/v2")
		case strings.HasPrefix(r.URL.Path, "/v2/"):
			s.gateway(w, r, "/v2")
		default:
			control.ServeHTTP(w, r)
		}
	})
}

func (s *Server) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sandbox/ledger", func(w http.ResponseWriter, _ *http.Request) { show(w, s.Ledger()) })
	mux.HandleFunc("GET /sandbox/payments", func(w http.ResponseWriter, _ *http.Request) { show(w, s.Payments()) })
	mux.HandleFunc("GET /sandbox/refunds", func(w http.ResponseWriter, _ *http.Request) { show(w, s.Refunds()) })
	mux.HandleFunc("GET /sandbox/history", func(w http.ResponseWriter, _ *http.Request) { show(w, s.History()) })
	mux.HandleFunc("GET /sandbox/cruelties", func(w http.ResponseWriter, _ *http.Request) { show(w, s.bookAndArmed()) })
	mux.HandleFunc("POST /sandbox/cruelties", s.postCruelty)
	mux.HandleFunc("DELETE /sandbox/cruelties", func(w http.ResponseWriter, _ *http.Request) {
		s.Disarm()
		show(w, s.bookAndArmed())
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		complain(w, http.StatusNotFound, fmt.Errorf("nothing is at %s %s: "+
			"the calls are under /openapi/v2/ and /v2/, the rest under /sandbox/", r.Method, r.URL.Path))
	})
	return mux
}

// planText is a Plan as it is spelt in JSON.
type planText struct {
	Name      string `json:"name"`
	Count     int    `json:"count,omitempty"`
	Duration  string `json:"duration,omitempty"`
	Questions int    `json:"questions,omitempty"`
	Path      string `json:"path,omitempty"`
	ID        string `json:"id,omitempty"`
}

// crueltyText is an entry of the book as it is spelt in JSON.
type crueltyText struct {
	Name         string   `json:"name"`
	Sentence     string   `json:"sentence"`
	Ending       int      `json:"ending,omitempty"`
	Calls        []string `json:"calls"`
	Duration     string   `json:"duration,omitempty"`
	Questions    int      `json:"questions,omitempty"`
	BreaksPledge bool     `json:"breaksPledge,omitempty"`
}

type bookText struct {
	Book  []crueltyText `json:"book"`
	Armed []planText    `json:"armed"`
}

func (s *Server) bookAndArmed() bookText {
	text := bookText{Armed: []planText{}}
	for _, c := range Book() {
		text.Book = append(text.Book, crueltyText{c.Name, c.Sentence, c.Ending, c.Calls,
			spellDuration(c.Duration), c.Questions, c.BreaksPledge})
	}
	for _, p := range s.Armed() {
		text.Armed = append(text.Armed, planText{p.Name, p.Count, spellDuration(p.Duration), p.Questions, p.Path, p.ID})
	}
	return text
}

// spellDuration spells a duration, and none as nothing.
func spellDuration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// postCruelty arms what it is told. Members that are not known, a count that is
// zero and a duration without a unit are refused.
func (s *Server) postCruelty(w http.ResponseWriter, r *http.Request) {
	plan, err := readPlan(http.MaxBytesReader(w, r.Body, 64<<10))
	if err == nil {
		err = s.Arm(plan)
	}
	if err != nil {
		complain(w, http.StatusBadRequest, err)
		return
	}
	show(w, s.bookAndArmed())
}

func readPlan(body io.Reader) (Plan, error) {
	text := planText{Count: 1}
	dec := json.NewDecoder(body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&text); err != nil {
		return Plan{}, fmt.Errorf(`the body must be like {"name":"hang_after","count":1,"duration":"2s","path":"pay"}: %w`, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Plan{}, errors.New("there are bytes after the JSON object")
	}
	if text.Count < 1 {
		return Plan{}, fmt.Errorf("count %d must be 1 or more", text.Count)
	}
	plan := Plan{Name: text.Name, Count: text.Count, Questions: text.Questions, Path: text.Path, ID: text.ID}
	if text.Duration == "" {
		return plan, nil
	}
	d, err := time.ParseDuration(text.Duration)
	if err != nil || d <= 0 {
		return Plan{}, fmt.Errorf(`duration %q must be above zero, with a unit, like "2s" or "500ms"`, text.Duration)
	}
	plan.Duration = d
	return plan, nil
}

// show writes v as indented JSON.
func show(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // all that can fail here is the caller going away
}

func complain(w http.ResponseWriter, status int, why error) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": why.Error()}) // as in show
}
