"""The data sets without options: one class a file."""
