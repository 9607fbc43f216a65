// A Lambda function in Go: reads a line, prints a line, needs nothing but the standard library.
//
// This file is yours: the function and its types.  main.go is the loop that calls it.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Event is what callers send.  A pointer is nil where the member is absent or null.
type Event struct {
	Name *string
	Fail *string
	// Raw text keeps numbers, key order and escapes as they came; `any` would make doubles of all numbers.
	Echo json.RawMessage
}

// ExampleError is an error that callers can tell from others: its name is their errorType.
type ExampleError struct{ message string }

func (e ExampleError) Error() string { return e.message }

// handle is the function itself: an event in, a result out, an error where it cannot.
func handle(event Event, context Context) (any, error) {
	switch {
	case event.Fail != nil:
		return nil, ExampleError{*event.Fail}
	case event.Echo != nil:
		return event.Echo, nil
	case event.Name != nil:
		fmt.Println("greeting", *event.Name) // a log line
		return map[string]string{"greeting": "Hello, " + *event.Name + "!"}, nil
	}
	return nil, errors.New("expected name, fail or echo")
}
