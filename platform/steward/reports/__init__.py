"""What is told to people, as HTML, JSON, CSV, JUnit and OCSF. Pure: values in, text out."""
