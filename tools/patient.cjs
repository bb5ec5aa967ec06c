/** Of specs that talk to servers: a test that says nothing else of itself has a minute. */
jest.setTimeout(60_000);
