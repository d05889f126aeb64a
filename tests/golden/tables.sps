* What CROSSTABS says of each table in tables.csv, with 15 decimals.
* Run in this folder: pspp -o tables.pspp.csv -O format=csv tables.sps
SET FORMAT=F25.15.
GET DATA /TYPE=TXT /FILE='tables.csv' /DELIMITERS="," /FIRSTCASE=2 /VARIABLES=stratum A30 x F8.0 y F8.0 count F8.0.
SELECT IF count > 0.
WEIGHT BY count.
SORT CASES BY stratum.
SPLIT FILE SEPARATE BY stratum.
CROSSTABS /TABLES=x BY y /STATISTICS=BTAU CTAU GAMMA D /CELLS=NONE.
