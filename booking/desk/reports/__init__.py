"""The desk's reports: weekly statistics, each as a plot, a table and a CSV file.

Counts and rates only; nothing here reads or shows a patient's name, address or phone.
"""
