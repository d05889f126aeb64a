"""The method page, of one health centre: how each number is made, and what it can and cannot say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Text = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Section:
    """One number, or one limit of them all."""

    key: str
    """Its place on the page; headings of numbers lead here."""
    title: Text
    paragraphs: tuple[Text, ...]
    spoken: tuple[Text, ...] = ()
    """Each of the section's formulae (`laktasi.report.formulae`), as one would read it out."""


OF_ONE: tuple[Section, ...] = (
    Section(
        "n",
        {"id": "Catatan yang dihitung (N)", "en": "Records that are counted (N)"},
        (
            {
                "id": "Satu catatan adalah satu kuesioner yang memenuhi syarat studi. Hasil utama memakai catatan yang "
                "diterima: yang tidak memiliki kesalahan terbuka. Di sebelahnya selalu ada hasil dari semua catatan. "
                "Catatan tanpa salah satu dari kedua jawaban tidak masuk N.",
                "en": "One record is one questionnaire that fits the study. The main results use accepted records: "
                "those without an open error. The result of all records stands beside. A record without one of the two "
                "answers is not in N.",
            },
        ),
    ),
    Section(
        "tables",
        {"id": "Tabel frekuensi dan tabel silang", "en": "Frequency tables and joint tables"},
        (
            {
                "id": "Persen adalah bagian dari catatan yang memiliki jawaban, dibulatkan ke satu angka di belakang "
                "koma. Tabel silang semua puskesmas adalah jumlah mentah sebagai gambaran.",
                "en": "Percentages are shares of the records that have an answer, rounded to one decimal. The joint "
                "table of all health centres holds plain sums, as a description.",
            },
        ),
    ),
    Section(
        "tau_b",
        {"id": "Kendall tau_b", "en": "Kendall’s tau_b"},
        (
            {
                "id": "Setiap dua catatan di satu puskesmas dibandingkan. C: pasangan yang sejalan (yang lebih tinggi "
                "pada yang pertama, lebih tinggi pula pada yang kedua). D: pasangan yang berlawanan. Pasangan yang "
                "sama pada salah satunya tidak masuk keduanya. Dx dan Dy: pasangan yang berbeda pada yang pertama, "
                "pada yang kedua.",
                "en": "Every two records of one health centre are compared. C: pairs that agree (higher in the first, "
                "higher in the second). D: pairs that oppose each other. A pair alike in either is in neither. Dx and "
                "Dy: pairs that differ in the first, in the second.",
            },
            {
                "id": "tau_b terletak antara −1 dan 1. Nol berarti pasangan yang sejalan dan yang berlawanan sama "
                "banyak, bukan bahwa tidak terjadi apa-apa.",
                "en": "tau_b lies between −1 and 1. Zero means as many pairs that agree as pairs that do not; it does "
                "not mean that nothing is going on.",
            },
        ),
        (
            {
                "id": "tau b sama dengan S dibagi akar dari Dx kali Dy; S sama dengan C dikurangi D",
                "en": "tau b equals S divided by the root of Dx times Dy; S equals C minus D",
            },
        ),
    ),
    Section(
        "attainable",
        {"id": "Batas tau_b dan bagian batas", "en": "Attainable range and share of the limit"},
        (
            {
                "id": "Jumlah baris dan kolom membatasi tau_b. Batas atas: tau_b tabel yang jumlahnya sama dan tidak "
                "memiliki pasangan berlawanan; batas bawah: yang tidak memiliki pasangan sejalan. Bagian batas: tau_b "
                "dibagi batas di sisinya. Batas itu milik data ini; intervalnya tentang populasi.",
                "en": "Row and column totals limit tau_b. Upper limit: tau_b of the table with the same totals and no "
                "pair that opposes; lower limit: the one with no pair that agrees. Share of the limit: tau_b over the "
                "limit on its side. The range belongs to these data; the interval is about the population.",
            },
        ),
    ),
    Section(
        "interval",
        {"id": "Interval 95% satu puskesmas", "en": "95% interval of one centre"},
        (
            {
                "id": "Interval skor: ragamnya diambil pada batas interval, bukan pada perkiraannya. κ berasal dari "
                "galat baku asimtotik ASE1 (Brown dan Benedetti 1977) setelah dua catatan tanpa kaitan disebar di "
                "tabel. Lalu interval dipotong pada rentang yang mungkin.",
                "en": "A score interval: the variance is taken at the limit, not at the estimate. κ comes from the "
                "asymptotic standard error ASE1 (Brown and Benedetti 1977) after two records without association are "
                "spread over the table. The interval is then cut to the attainable range.",
            },
        ),
        (
            {
                "id": "kuadrat dari tau b dikurangi t sama dengan 1,96 kuadrat kali kappa kali satu dikurangi t "
                "kuadrat",
                "en": "the square of tau b minus t equals 1.96 squared times kappa times one minus t squared",
            },
        ),
    ),
    Section(
        "p",
        {"id": "p asimtotik", "en": "Asymptotic p"},
        (
            {
                "id": "Dua sisi, dari z dengan ragam S bila kedua jawaban dipasangkan secara acak, dikoreksi untuk "
                "nilai kembar; t dan u: banyaknya catatan pada setiap tingkat yang pertama dan yang kedua. Inilah p "
                "dari korelasi nonparametrik SPSS.",
                "en": "Two-sided, from z with the variance of S if the two answers were matched at random, corrected "
                "for ties; t and u: records in each level of the first and of the second. This is the p of SPSS’s "
                "nonparametric correlations.",
            },
            {
                "id": "CROSSTABS di SPSS dan PSPP mencetak uji lain dengan judul yang sama: T, tau_b dibagi galat "
                "bakunya tanpa kaitan (ASE0). Keduanya ada dalam data peneliti. p di bawah 0,001 ditulis “< 0,001”, "
                "tidak pernah nol.",
                "en": "CROSSTABS in SPSS and PSPP print another test under the same heading: T, tau_b over its "
                "standard error under no association (ASE0). Both stand in the researchers’ data. A p below .001 is "
                "written “< .001”, never zero.",
            },
        ),
        (
            {"id": "z sama dengan S dibagi akar dari Var nol", "en": "z equals S divided by the root of Var zero"},
            {
                "id": "Var nol sama dengan A per 18, ditambah B per 9 n kali n dikurangi 1 kali n dikurangi 2, "
                "ditambah C per 2 n kali n dikurangi 1",
                "en": "Var zero equals A over 18, plus B over 9 n times n minus 1 times n minus 2, plus C over 2 n "
                "times n minus 1",
            },
            {
                "id": "A sama dengan n kali n dikurangi 1 kali 2n ditambah 5, dikurangi A t, dikurangi A u",
                "en": "A equals n times n minus 1 times 2n plus 5, minus A t, minus A u",
            },
            {
                "id": "A t: jumlah t kali t dikurangi 1 kali 2t ditambah 5; A u demikian pula",
                "en": "A t: the sum of t times t minus 1 times 2t plus 5; A u likewise",
            },
            {
                "id": "B: jumlah t kali t dikurangi 1 kali t dikurangi 2, kali jumlah yang sama atas u",
                "en": "B: the sum of t times t minus 1 times t minus 2, times the same sum over u",
            },
            {
                "id": "C: jumlah t kali t dikurangi 1, kali jumlah yang sama atas u",
                "en": "C: the sum of t times t minus 1, times the same sum over u",
            },
            {"id": "T sama dengan tau b dibagi ASE nol", "en": "T equals tau b divided by ASE zero"},
        ),
    ),
    Section(
        "exact",
        {"id": "p eksak", "en": "Exact p"},
        (
            {
                "id": "Peluang S sejauh ini dari nol atau lebih jauh, di antara semua cara memasangkan kedua jawaban "
                "dengan jumlah baris dan kolom yang sama. Untuk tabel yang terlalu besar, cara-cara itu diambil "
                "sampelnya (Monte Carlo, dengan benih tetap); p itu ditandai ≈. Di puskesmas kecil, inilah p yang "
                "dibaca.",
                "en": "The probability of an S this far from zero or farther, among all ways to match the two answers "
                "with the same row and column totals. For tables too large, these ways are sampled (Monte Carlo, with "
                "a fixed seed); such a p is marked ≈. In small centres it is the p to read.",
            },
        ),
        (
            {
                "id": "p sama dengan peluang bahwa nilai mutlak S paling sedikit sebesar nilai mutlak s",
                "en": "p equals the probability that the absolute value of S is at least that of s",
            },
        ),
    ),
    Section(
        "holm",
        {"id": "p (Holm): banyak puskesmas, banyak uji", "en": "p (Holm): many centres, many tests"},
        (
            {
                "id": "Dari 40 puskesmas tanpa kaitan, dua akan memiliki p < 0,05. p (Holm) memperbesar p setiap "
                "puskesmas sehingga peluang satu saja peringatan palsu di antara k puskesmas tetap pada tarafnya. "
                "Dipakai p eksak bila ada. p Benjamini–Hochberg ada dalam data peneliti.",
                "en": "Of 40 centres without any association, two will have p < .05. p (Holm) raises each centre’s p "
                "so that the chance of a single false alarm among the k centres is held to its level. The exact p is "
                "used where there is one. Benjamini and Hochberg’s p stands in the researchers’ data.",
            },
        ),
        (
            {
                "id": "p Holm ke-j: yang terbesar, untuk l sampai j, dari (k dikurangi l ditambah 1) kali p ke-l, "
                "paling banyak 1",
                "en": "the j-th Holm p: the largest, over l up to j, of (k minus l plus 1) times the l-th p, at most 1",
            },
        ),
    ),
)
