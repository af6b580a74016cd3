// Tables: containers of fixed capacity on memory given at start: nothing here allocates after that, grows, locks or
// counts references. Each has one owner; a full table says so and its caller counts the refusal.
