"""The log shipper: from records of the stream to requests that a log service takes."""
