// Package device is the agent's side of the register link, version 1: what a
// cash register and the agent say to each other over a serial line. It knows
// nothing about money; what a request means is asked of an Engine.
//
// The stages a byte passes, in order:
//
//	port.go      the device file: opened, locked, read and written, never after its close
//	frame.go     bytes to frames and acknowledgements (pure); frame_bytes.go the other way
//	link.go      acknowledging, sending again, the same frame again (pure)
//	body.go      one JSON object, strictly
//	request.go   the methods and the limits of their members
//	session.go   the loop that owns all of these for one register
//	response.go  what is answered, cut to what was agreed
//	tell.go      when the register is told of an outcome, unasked (pure)
//
// The pure parts take now as an argument and give their next deadline as a
// value; only the loop reads a clock.
package device
