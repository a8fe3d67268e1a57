package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"posagent/queue"
)

// storyText is the journal in sentences: the clock, how long after the beginning,
// and what happened.
func (f facts) storyText() string {
	if len(f.events) == 0 {
		return section("What happened", []string{"No story is kept of it: it was taken off after the retention, or lost with a damaged store."})
	}
	text := "\nWhat happened\n"
	first, day := f.events[0].At, ""
	for _, e := range f.events {
		if today := e.At.In(f.zone).Format("Mon 2 Jan 2006"); today != day {
			day = today
			text += "  " + day + "\n"
		}
		text += storyLine(e.At.In(f.zone).Format("15:04:05.000"), "+"+took(e.At.Sub(first)), f.sentence(e))
	}
	if asked := f.asked(); asked > queue.InquiriesTold {
		text += fmt.Sprintf("  (Antom was asked %s; the story keeps the first %d)\n", times(asked), queue.InquiriesTold)
	}
	return text
}

// asked is how often Antom was asked.
func (f facts) asked() int {
	if f.refund != nil {
		return f.refund.Inquiries
	}
	return f.payment.Inquiries
}

// storyLine sets a sentence beside its times, and breaks it under itself.
func storyLine(clock, after, sentence string) string {
	const margin = 29
	head := fmt.Sprintf("  %s  %-12s ", clock, after)
	head += strings.Repeat(" ", max(margin-utf8.RuneCountInString(head), 0))
	return head + fold(broken(sentence, screenWidth-margin), screenWidth-margin, strings.Repeat(" ", margin))
}

// sentence is one event in words.
func (f facts) sentence(e queue.Event) string {
	switch e.Kind {
	case queue.EventStored:
		return f.storedSentence()
	case queue.EventAttempt:
		return f.attemptSentence(e.Text)
	case queue.EventAnswer:
		return "The answer: " + said(e.Text) + "."
	case queue.EventInquiry:
		return "Antom is asked what became of it: " + said(e.Text) + "."
	case queue.EventRestart:
		return "The agent was started anew, and took it up again."
	case queue.EventDoubt:
		return "The payment window is over with the outcome open: from here on the agent only asks."
	case queue.EventAbort:
		return "The register calls it off."
	case queue.EventResolved:
		return "A person records what they saw at Antom: " + ended(e.Text) + "."
	case queue.EventOutcome:
		return "The end: " + ended(e.Text) + "."
	case queue.EventReversal:
		return reversalSentence(queue.RefundStatus(e.Text))
	case queue.EventTold:
		return "The register is told the end."
	case queue.EventDelivered:
		return "The register has stored the end, and says so."
	}
	return strings.TrimSpace(string(e.Kind) + ": " + e.Text)
}

func (f facts) storedSentence() string {
	switch {
	case f.refund != nil && f.refund.Reversal:
		return "The agent undoes a payment that was called off too late; the refund is on the disk."
	case f.refund != nil:
		return "The register's refund is on the disk."
	}
	return "The register's command is on the disk; only now is it answered, and begun."
}

func (f facts) attemptSentence(text string) string {
	n := strings.TrimPrefix(text, "number ")
	if f.refund != nil {
		return "Request " + n + " to give it back goes out."
	}
	return "Attempt " + n + " to pay goes out."
}

func reversalSentence(s queue.RefundStatus) string {
	switch s {
	case queue.RefundSuccess:
		return "It is given back."
	case queue.RefundFailed:
		return "It could not be given back."
	}
	return "It was called off too late: the agent begins to give it back."
}

// said is how a call ended: the verdict in words, and Antom's own behind it.
func said(text string) string {
	verdict, rest, _ := strings.Cut(text, ": ")
	return inBrackets(verdictWords(queue.Verdict(verdict)), rest)
}

// ended is how it ended: the state in words, and Antom's own behind it.
func ended(text string) string {
	state, rest, _ := strings.Cut(text, ": ")
	words := map[string]string{
		string(queue.Paid): "paid", string(queue.Failed): "not paid", string(queue.Cancelled): "cancelled",
		string(queue.Refunded): "given back", string(queue.RefundRefused): "not given back",
	}
	if w, ok := words[state]; ok {
		state = w
	}
	return inBrackets(state, rest)
}

func inBrackets(words, rest string) string {
	if rest == "" {
		return words
	}
	return words + " (" + strings.TrimRight(rest, ".") + ")"
}

// verdictWords is what an answer lets us conclude, in words.
func verdictWords(v queue.Verdict) string {
	switch v {
	case queue.VerdictPaid:
		return "paid"
	case queue.VerdictFailed:
		return "not paid"
	case queue.VerdictCancelled:
		return "called off, no money taken"
	case queue.VerdictRefunded:
		return "given back"
	case queue.VerdictOpen:
		return "no end yet"
	case queue.VerdictPending:
		return "paid, but its last word is outstanding"
	case queue.VerdictRefused:
		return "this request was refused"
	case queue.VerdictInconsistent:
		return "Antom holds this id with another content"
	case queue.VerdictNotFound:
		return "Antom does not know it now"
	case queue.VerdictUnknown:
		return "none that can be trusted"
	case queue.VerdictNotSent:
		return "nothing has left this box"
	}
	return string(v)
}
